import { expect, onTestFinished, test, vi } from 'vitest'
import type { LostAttempt } from '../../core/provider.ts'
import { falAt, how, requireCreated, scripted, training, useSimulatedFal } from './fal-setup.ts'

const { simulator, clock, fal } = await useSimulatedFal()

const lost = (marker: string, more: Partial<LostAttempt> = {}): LostAttempt => ({
  submittedAt: clock.now(),
  request: training,
  isMarked: (input) => JSON.stringify(input).includes(`marker=${marker}`),
  ...more,
})

test('search() adopts a finished request by its marker, with addresses that work', async () => {
  const attempt = lost('m1')
  const { prediction_id, urls } = requireCreated(await fal.submit(training, how))
  await fal.submit({ ...training, input: { images_data_url: 'https://app.test/me.zip?marker=m2' } }, how)
  clock.advance(60)
  expect(await fal.search(attempt)).toEqual({ kind: 'found', predictions: [{ prediction_id, urls }] })
  expect(await fal.check({ id: prediction_id, urls })).toMatchObject({ kind: 'succeeded' })
})

test('search() is never sure of a no: an unfinished request may not be listed', async () => {
  const attempt = lost('m1')
  expect(await fal.search(attempt)).toMatchObject({ kind: 'unsure' })
  await fal.submit(training, how)
  expect(await fal.search(attempt)).toMatchObject({ kind: 'unsure' })
  simulator.fal.set({ list_unfinished: true })
  expect(await fal.search(attempt)).toMatchObject({ kind: 'found' })
  expect(await fal.search(lost('m2'))).toMatchObject({ kind: 'unsure' })
})

test('search() returns every request that carries the marker, over all pages', async () => {
  const attempt = lost('m1')
  for (let n = 0; n < 2; n += 1) await fal.submit(training, how)
  clock.advance(60)
  const others = { ...training, input: { images_data_url: 'https://app.test/other.zip' } }
  await Promise.all(Array.from({ length: 120 }, () => fal.submit(others, how)))
  clock.advance(60)
  expect(await fal.search(attempt)).toMatchObject({ kind: 'found', predictions: [{}, {}] })
  expect(simulator.fal.till().requests.list).toBe(2)
})

test('search() reads inputs that are listed as text, and asks from before the attempt on', async () => {
  const items = [
    {
      request_id: 'r1',
      sent_at: '2026-03-01T12:00:01Z',
      json_input: '{"images_data_url":"https://app.test/me.zip?marker=m1"}',
    },
    { request_id: 'r0', sent_at: '2026-03-01T12:00:00Z', json_input: { url: 'https://app.test/me.zip?marker=m1' } },
    { request_id: 'r0', sent_at: '2026-03-01T12:00:00Z', json_input: { url: 'https://app.test/me.zip?marker=m1' } },
    { request_id: 'r2', json_input: null },
    { request_id: 7, json_input: 'marker=m1' },
  ]
  const server = await scripted(() => ({ body: { items } }))
  const own = falAt({ queueUrl: `${server.url}/queue`, apiUrl: `${server.url}/api/v1` })
  expect(await own.search(lost('m1'))).toMatchObject({
    kind: 'found',
    predictions: [{ prediction_id: 'r0' }, { prediction_id: 'r1' }],
  })
  const { pathname, searchParams } = new URL(server.asked[0]?.url ?? '', server.url)
  expect(pathname).toBe('/api/v1/models/requests/by-endpoint')
  expect(Object.fromEntries(searchParams)).toMatchObject({ endpoint_id: training.model, expand: 'payloads' })
  expect(Date.parse(searchParams.get('start') ?? '')).toBeLessThan(clock.now().getTime())
})

test('search() stops in a list that takes its time, and gives what it has found', async () => {
  const began = performance.now()
  let seconds = 0
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => began + seconds * 1_000)
  onTestFinished(() => clock.mockRestore())
  const server = await scripted(() => {
    seconds += 4
    return { body: { items: [{ request_id: `r${seconds}`, json_input: 'marker=m1' }], next_cursor: 'again' } }
  })
  const own = falAt({ queueUrl: server.url })
  const isMarked = () => true
  expect(await own.search(lost('m1', { isMarked }))).toMatchObject({ kind: 'found', predictions: [{}, {}, {}] })
  expect(server.asked).toHaveLength(3)
})

test('search() stops somewhere in a list without an end', async () => {
  const server = await scripted(() => ({ body: { items: [], next_cursor: 'again' } }))
  const own = falAt({ queueUrl: server.url })
  expect(await own.search(lost('m1'))).toMatchObject({ kind: 'unsure' })
  expect(server.asked).toHaveLength(30)
})
