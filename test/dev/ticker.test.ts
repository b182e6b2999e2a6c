import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { startTicker } from '../../dev/ticker.ts'

const pass = (submitted: number) =>
  JSON.stringify({ message: `Submitted ${submitted} predictions`, submitted, duration_ms: 1 })

/** A door that answers each ping with the next of these; the last one for ever. */
async function openTicker(answers: (() => string | Promise<string>)[]) {
  const pings: { key: string | undefined; under: number }[] = []
  let under = 0
  const server = createServer(async (request, response) => {
    under += 1
    pings.push({ key: request.headers.authorization, under })
    const answer = answers[Math.min(pings.length, answers.length) - 1]
    response.end(await answer?.())
    under -= 1
  })
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const lines: string[] = []
  const log = {
    info: (_: object, message: string) => lines.push(message),
    error: (_: object, message: string) => lines.push(message),
  }
  const urls = [`http://localhost:${(server.address() as AddressInfo).port}/api/worker`]
  const ticker = startTicker({ urls, everyMs: 2, headers: { authorization: 'Bearer k' }, log })
  onTestFinished(async () => {
    await ticker.stop()
    server.close()
  })
  return { pings, lines, ticker }
}

test('pings again and again, never twice at once, and ends with the ping under way', async () => {
  const fifth = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const idle = () => pass(0)
  const ended: string[] = []
  const held = async () => {
    fifth.resolve()
    await gate.promise
    ended.push('ping')
    return idle()
  }
  const { pings, lines, ticker } = await openTicker([idle, idle, idle, idle, held])
  await fifth.promise
  const stopped = ticker.stop().then(() => ended.push('ticker'))
  await turn()
  gate.resolve()
  await stopped
  expect(ended).toEqual(['ping', 'ticker'])
  expect(pings).toEqual(Array(5).fill({ key: 'Bearer k', under: 1 }))
  expect(lines).toEqual([])
})

test('tells what happened, and goes on after a ping that failed', async () => {
  const fourth = Promise.withResolvers<void>()
  const last = () => {
    fourth.resolve()
    return pass(0)
  }
  const { lines, ticker } = await openTicker([() => pass(2), () => 'not JSON', () => pass(0), last])
  await fourth.promise
  await ticker.stop()
  expect(lines).toEqual(['Submitted 2 predictions', 'a ping failed'])
})
