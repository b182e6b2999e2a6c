// Our own server keeps the doors' rate limits by the same literals that the platform reads.
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { loadDoors, openDoor } from '../../build/doors.ts'
import { clientAddress } from '../../dev/client-address.ts'
import { createServer } from '../../dev/router.ts'
import { operations } from '../../functions/http/contract.ts'

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

test('behind a proxy the address that it saw counts, and none that a client has written itself', async () => {
  const router = createServer([quick()], { log: silent, isLimited: true })
  const address = await router.listen(0)
  const ask = async (forwarded: string) => {
    const { status } = await fetch(`${address}/api/quick`, { headers: { 'x-forwarded-for': forwarded } })
    return status
  }
  for (const claimed of ['9.9.9.1', '9.9.9.2', '9.9.9.3']) await ask(`${claimed}, 1.1.1.1`)
  expect([await ask('9.9.9.4, 1.1.1.1'), await ask('2.2.2.2'), await ask('nobody')]).toEqual([429, 200, 200])
  await router.close()
  const from = (remoteAddress: string) =>
    clientAddress({ headers: { 'x-forwarded-for': '1.1.1.1' }, socket: { remoteAddress } } as never)
  expect(['::ffff:127.0.0.1', '10.0.0.7', '::ffff:8.8.8.8', '2606:4700::1'].map(from)).toEqual([
    ...['1.1.1.1', '1.1.1.1', '8.8.8.8', '2606:4700::1'],
  ])
})

test('every limit of a door is in the contract and in docs/endpoints.md, and none is there that no door has', async () => {
  const doors = await loadDoors(new URL('../../netlify/functions', import.meta.url))
  const limits = doors.flatMap(({ config: { path, rateLimit } }) =>
    rateLimit ? [[String(path).replace('/api/', ''), rateLimit.windowLimit] as const] : [],
  )
  expect(limits.map(([name]) => name)).toEqual(
    expect.arrayContaining([
      'delete',
      'health',
      'push',
      'redo',
      'session',
      'share',
      'start',
      'telegram-link',
      'upload',
    ]),
  )
  const told = operations.flatMap(({ path, problems }) =>
    problems.includes('rate_limited') ? [path.replace('/api/', '')] : [],
  )
  expect(new Set(told)).toEqual(new Set(limits.map(([name]) => name)))
  const page = await readFile(new URL('../../docs/endpoints.md', import.meta.url), 'utf8')
  const sentence = /^([^\n]*) answer 429 `rate_limited`.*?\((\d+) times\s+a minute; (.*?)\)/ms.exec(page)
  const named = (words = '') => words.toLowerCase().split(/, | and /)
  const others = sentence?.[3]?.split(', ').map((part) => part.split(/ (?=\d)/)) ?? []
  const ofOne = new Map(others.flatMap(([names, limit]) => named(names).map((name) => [name, Number(limit)])))
  const written = named(sentence?.[1]).map((name) => [name, ofOne.get(name) ?? Number(sentence?.[2])])
  expect(written.toSorted()).toEqual(limits.toSorted())
})
