// Result before status: a step is shown done only with its output stored, and the copy is retried while there is something to copy.
import { expect, test } from 'vitest'
import { runPass } from '../../engine/pass.ts'
import { result } from '../../functions/result.ts'
import type { FaultInput } from '../../simulator/faults.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import { barrier, begun, costs, fault, isOver, isWaiting, ping, pingUntil, rowOf } from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock })

test.each<[string, FaultInput]>([
  ['is a 503', { on: 'file', fault: 'error', times: 3 }],
  ['is reset', { on: 'file', fault: 'reset', times: 3 }],
  ['breaks off in the middle', { on: 'file', fault: 'reset_midway', times: 3 }],
  ['is a 404 though the provider still has it', { on: 'file', fault: 'not_found', times: 3 }],
])('a copy whose answer %s is retried until the output is stored', async (_name, failure) => {
  fault(app, failure)
  const story = await begun(app)
  clock.advance(5)
  await ping(app)
  const storing = await rowOf(app, story)
  expect(storing).toMatchObject({ status: 'processing', phase: 'storing', result_url: null })
  const row = await pingUntil(app, story, isOver, { clock })
  expect(row).toMatchObject({ status: 'completed', attempt: 1 })
  const { requests } = app.simulator.replicate.till()
  expect(requests).toMatchObject({ create: 1, file: 4 })
  const answer = await app.call(result, { path: row.result_url ?? '', token: story.token })
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/png'])
})

test.each<[string, FaultInput]>([
  ['too large', { on: 'file', fault: 'too_large' }],
  ['not an image', { on: 'file', fault: 'not_an_image' }],
  ['missing', { on: 'outcome', fault: 'no_output' }],
])('an output that is %s fails the task as unusable, is not stored and not made again', async (_name, failure) => {
  fault(app, failure)
  const story = await begun(app)
  const row = await pingUntil(app, story, isOver, { clock })
  expect(row).toMatchObject({ status: 'failed', error_code: 'result_unusable', due_at: null })
  const { blobs } = await app.blobs.openStore('files').list({ prefix: `results/${story.id}` })
  expect(blobs).toEqual([])
  expect(costs(app)).toEqual({ sent: 1, created: 1, canceled: 0 })
})

test('an output that the provider has removed before the first look fails the task as lost, never run again', async () => {
  fault(app, { on: 'outcome', fault: 'data_removed' })
  const story = await begun(app)
  const row = await pingUntil(app, story, isOver, { clock })
  expect(row).toMatchObject({ status: 'failed', error_code: 'result_lost', due_at: null })
  clock.advance(3_600)
  await ping(app)
  expect(costs(app)).toEqual({ sent: 1, created: 1, canceled: 0 })
})

test('nobody looks for over an hour: the result is lost, and the task says so', async () => {
  const story = await begun(app)
  clock.advance(3_700)
  const row = await pingUntil(app, story, isOver, { clock })
  expect(row).toMatchObject({ status: 'failed', error_code: 'result_lost' })
  expect(costs(app).sent).toBe(1)
})

test('a copy that keeps failing is retried until the provider has removed the output, then it is lost', async () => {
  fault(app, { on: 'file', fault: 'error', times: 40 })
  const story = await begun(app)
  const row = await pingUntil(app, story, isOver, { clock, every: 120, within: 6_000 })
  expect(row).toMatchObject({ status: 'failed', error_code: 'result_lost' })
  expect(clock.now().getTime() - row.created_at.getTime()).toBeGreaterThanOrEqual(3_600_000)
  expect(app.simulator.replicate.till().requests.file).toBeGreaterThan(20)
  expect(costs(app).sent).toBe(1)
})

test('a copy that keeps failing while the provider says nothing is given up past the limit, and it says so', async () => {
  fault(app, { on: 'file', fault: 'error', times: 10_000 })
  const story = await begun(app)
  await pingUntil(app, story, ({ phase }) => phase === 'storing', { clock })
  fault(app, { on: 'get', fault: 'error', times: 10_000 })
  const row = await pingUntil(app, story, isOver, { clock, every: 60, within: 6_000 })
  expect(row).toMatchObject({ status: 'failed', error_code: 'result_lost', due_at: null, strays: [] })
  expect(clock.now().getTime() - row.created_at.getTime()).toBeGreaterThanOrEqual(3_600_000)
  expect(app.simulator.replicate.till().requests.file).toBeLessThan(60)
})

test('a pass ends in time though the copies hang, without asking the provider, and the next one goes on', async () => {
  const story = await begun(app)
  fault(app, { on: 'file', fault: 'hang' })
  clock.advance(5)
  await runPass(app.deps, { by: 'tick', context: { waitUntil: () => undefined }, endSeconds: 0.1 })
  expect(await rowOf(app, story)).toMatchObject({ phase: 'storing', due_at: new Date(clock.now().getTime() + 10_000) })
  expect(app.simulator.replicate.till().requests.get).toBe(1)
  expect(await pingUntil(app, story, isOver, { clock })).toMatchObject({ status: 'completed' })
})

test('an output that a pass has left is copied by the next one, however long that searches for other attempts', async () => {
  fault(app, { on: 'file', fault: 'reset' })
  const story = await begun(app)
  clock.advance(5)
  await ping(app)
  expect(await rowOf(app, story)).toMatchObject({ phase: 'storing' })
  fault(app, { on: 'create', fault: 'reset_after' })
  expect(await rowOf(app, await begun(app, { user: 'grace' }))).toMatchObject({ phase: 'unconfirmed' })
  clock.advance(60)
  const search = barrier('before', (url) => /\/predictions(\?|$)/.test(url))
  const pinging = ping(app.openInstance({ http: search.http }))
  await search.reached
  const stored = async () => (await app.deps.files.keys(`results/${story.id}/`)).length
  await expect.poll(stored).toBe(1)
  search.open()
  await pinging
  expect(await rowOf(app, story)).toMatchObject({ status: 'completed' })
})

test('a process that dies while copying leaves the copy to the next pass', async () => {
  const death = barrier('before', (url) => url.includes('/files/'))
  const dying = app.openInstance({ http: death.http, isApart: true })
  const story = await begun(app, { garments: 2 })
  clock.advance(5)
  const pinging = ping(dying)
  await death.reached
  const row = await pingUntil(app, story, isWaiting, { clock })
  const stored = row.steps[0]?.files
  expect(stored).toEqual([{ type: 'image/png', size: expect.any(Number) }])
  death.open()
  await pinging
  expect(await rowOf(app, story)).toEqual(row)
  expect(costs(app).created).toBe(1)
})

test("the next step starts from the stored result, not from the provider's own address", async () => {
  const story = await begun(app, { garments: 2, auto_continue: true })
  const row = await pingUntil(app, story, isOver, { clock })
  expect(row.steps.map(({ files }) => files?.length)).toEqual([1, 1])
  const [, second] = app.simulator.replicate.till().predictions
  expect(String(second?.input['person_image'])).toMatch(/^data:image\/png;base64,/)
})
