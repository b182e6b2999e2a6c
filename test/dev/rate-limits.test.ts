// Our own server keeps the doors' rate limits by the same literals that the platform reads.
import { expect, test } from 'vitest'
import { loadDoors, openDoor } from '../../build/doors.ts'
import { createServer } from '../../dev/router.ts'

const silent = { info: () => undefined, error: () => undefined }
const quick = () =>
  openDoor('quick', () => new Response('ok'), {
    path: '/api/quick',
    rateLimit: { windowLimit: 3, windowSize: 60, aggregateBy: ['ip', 'domain'] },
  })
const free = () => openDoor('free', () => new Response('ok'), { path: '/api/free' })

test('who asks a door more often than its literal says is told to wait, and other doors go on', async () => {
  const router = createServer([quick(), free()], { log: silent, isLimited: true })
  const address = await router.listen(0)
  const answers = await Promise.all(Array.from({ length: 5 }, () => fetch(`${address}/api/quick`)))
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 429, 429])
  const refused = answers.find(({ status }) => status === 429)
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(refused?.headers.get('content-type')).toContain('application/problem+json')
  expect(await refused?.json()).toMatchObject({ status: 429, code: 'rate_limited' })
  expect((await fetch(`${address}/api/free`)).status).toBe(200)
  await router.close()
})

test('each address has a window of its own', async () => {
  const ip = ({ headers }: { headers: Record<string, unknown> }) => String(headers['x-client'])
  const router = createServer([quick()], { log: silent, isLimited: true, ip })
  const address = await router.listen(0)
  const ask = (client: string) => fetch(`${address}/api/quick`, { headers: { 'x-client': client } })
  for (let times = 0; times < 3; times += 1) await ask('1.1.1.1')
  expect([(await ask('1.1.1.1')).status, (await ask('2.2.2.2')).status]).toEqual([429, 200])
  await router.close()
})

test('doors that cost something, or that a stranger may call, have a limit', async () => {
  const doors = await loadDoors(new URL('../../netlify/functions', import.meta.url))
  const limited = doors.filter(({ config }) => config.rateLimit !== undefined).map(({ name }) => name)
  expect(limited).toEqual(expect.arrayContaining(['health', 'redo', 'session', 'start', 'upload']))
})
