// What fal says that it has charged, by request: read page by page, and never guessed.
import { expect, test } from 'vitest'
import { falAt, how, image, requireCreated, scripted, training, useSimulatedFal } from './fal-setup.ts'

const { simulator, clock, fal } = await useSimulatedFal()
const since = clock.now()

test('readBill() tells what was charged for those that are paid, once fal knows it', async () => {
  const trained = requireCreated(await fal.submit(training, how))
  simulator.fal.addFaults([{ on: 'outcome', fault: 'failed' }])
  const failed = requireCreated(await fal.submit(image, how))
  const ids = [trained.id, failed.id]
  clock.advance(50)
  expect(await fal.readBill?.(ids, since)).toEqual({ kind: 'told', charged: new Map() })
  clock.advance(60)
  expect(await fal.readBill?.(ids, since)).toEqual({ kind: 'told', charged: new Map([[trained.id, 6_000_000]]) })
  simulator.fal.set({ percent_discount: 10 })
  expect(await fal.readBill?.(ids, since)).toEqual({ kind: 'told', charged: new Map([[trained.id, 5_400_000]]) })
})

test('readBill() of a key without admin scope is refused, in fal’s words', async () => {
  simulator.fal.set({ is_admin: false })
  expect(await fal.readBill?.(['r1'], since)).toEqual({
    kind: 'refused',
    reason: 'fal answered 403: This endpoint requires an Admin API key.',
  })
})

const event = (request_id: unknown, cost_estimate_nano_usd: unknown) => ({ request_id, cost_estimate_nano_usd })

test('readBill() adds up a request’s events over all pages, and tells no sum that can’t be right', async () => {
  const pages = [
    [event('r1', 1_000_000), event('r2', 'free'), event('r3', -5_000), event(7, 1_000)],
    [event('r1', 500_400), event('r2', 1_000), event('r4', 0), event('r5', 9e15)],
  ]
  const server = await scripted(({ url }) => {
    const isFirst = !url.includes('cursor=next')
    return { body: { billing_events: pages[isFirst ? 0 : 1], next_cursor: isFirst ? 'next' : null } }
  })
  const own = falAt({ queueUrl: `${server.url}/queue`, apiUrl: `${server.url}/api/v1` })
  const charged = new Map([
    ['r1', 1_500],
    ['r2', null],
    ['r3', null],
    ['r4', 0],
    ['r5', null],
  ])
  expect(await own.readBill?.(['r1', 'r2'], since)).toEqual({ kind: 'told', charged })
  const { pathname, searchParams } = new URL(server.asked[0]?.url ?? '', server.url)
  expect([pathname, searchParams.getAll('request_id'), searchParams.get('start')]).toEqual([
    '/api/v1/models/billing-events',
    ['r1', 'r2'],
    since.toISOString(),
  ])
})

test.each([
  ['a fault', { status: 500, body: { detail: 'oh' } }],
  ['no list', { body: { billing_events: {} } }],
  ['a list without end', { body: { billing_events: [], next_cursor: 'again' } }],
])('readBill() learns nothing of %s', async (_name, answer) => {
  const server = await scripted(() => answer)
  const own = falAt({ queueUrl: `${server.url}/queue`, apiUrl: `${server.url}/api/v1` })
  expect(await own.readBill?.(['r1'], since)).toMatchObject({ kind: 'unreachable' })
})

test('readBill() learns nothing where nobody answers', async () => {
  const own = falAt({ queueUrl: 'http://127.0.0.1:9/queue' })
  expect(await own.readBill?.(['r1'], since)).toMatchObject({ kind: 'unreachable' })
})
