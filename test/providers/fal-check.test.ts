import { expect, test } from 'vitest'
import type { FaultInput } from '../../simulator/faults.ts'
import { falAt, how, image, requireCreated, type Scripted, scripted, training, useSimulatedFal } from './fal-setup.ts'

const { simulator, clock, fal } = await useSimulatedFal()
const submit = async () => requireCreated(await fal.submit(image, how))

test('check() knows a training that was run again by its first id', async () => {
  simulator.fal.addFaults([{ on: 'outcome', fault: 'rerun' }])
  const prediction = requireCreated(await fal.submit({ ...training, runOnce: false }, how))
  clock.advance(70)
  expect(await fal.check(prediction)).toMatchObject({ kind: 'succeeded', output: { diffusers_lora_file: {} } })
})

test('check() sees that a training which may run only once was cut off', async () => {
  simulator.fal.addFaults([{ on: 'outcome', fault: 'rerun' }])
  const prediction = requireCreated(await fal.submit(training, how))
  clock.advance(70)
  expect(await fal.check(prediction)).toEqual({
    ...{ kind: 'failed', code: 'provider_failed', reason: 'The runner was disconnected' },
  })
})

const failures: [FaultInput, string, string][] = [
  [{ on: 'outcome', fault: 'failed', error: 'out of memory' }, 'provider_failed', 'out of memory'],
  [{ on: 'outcome', fault: 'failed', status: 422, error: 'no face' }, 'provider_failed', 'no face'],
  [{ on: 'outcome', fault: 'failed', status: 503, error: 'gone' }, 'provider_failed', 'gone'],
  [{ on: 'outcome', fault: 'result_only', error: 'no face' }, 'provider_failed', 'no face'],
  [{ on: 'outcome', fault: 'canceled' }, 'provider_canceled', 'The request was cancelled'],
]
test.each(failures)('check() ends after %j as %s', async (fault, code, reason) => {
  simulator.fal.addFaults([fault])
  const prediction = await submit()
  clock.advance(4)
  expect(await fal.check(prediction)).toEqual({ kind: 'failed', code, reason })
})

test('check() believes the status where the result says nothing', async () => {
  simulator.fal.addFaults([{ on: 'outcome', fault: 'failed', error: 'out of memory' }])
  const prediction = await submit()
  clock.advance(4)
  simulator.fal.addFaults([{ on: 'result', fault: 'error' }])
  expect(await fal.check(prediction)).toMatchObject({ kind: 'failed', reason: 'out of memory' })
})

const silences: [FaultInput, string][] = [
  [{ on: 'result', fault: 'error', status: 503 }, 'unreachable'],
  [{ on: 'result', fault: 'rate_limited' }, 'unreachable'],
  [{ on: 'result', fault: 'reset' }, 'unreachable'],
  [{ on: 'result', fault: 'truncated' }, 'unreachable'],
  [{ on: 'result', fault: 'not_found' }, 'missing'],
]
test.each(silences)('check() takes %j as %s, and the next look sees the result', async (fault, kind) => {
  const prediction = await submit()
  clock.advance(4)
  simulator.fal.addFaults([fault])
  expect(await fal.check(prediction)).toMatchObject({ kind })
  expect(await fal.check(prediction)).toMatchObject({ kind: 'succeeded' })
})

test('check() asks the stored addresses, and gives the key to no other server', async () => {
  const server = await scripted(({ url }) => ({ body: url === '/odd/status' ? { status: 'COMPLETED' } : { done: 1 } }))
  const own = falAt({ queueUrl: `${server.url}/queue` })
  const urls = { get: `${server.url}/odd/status`, response: `${server.url}/odd/answer` }
  expect(await own.check({ id: 'r1', urls })).toEqual({ kind: 'succeeded', output: { done: 1 } })
  expect(server.asked.map(({ url, headers }) => [url, headers.authorization])).toEqual([
    ['/odd/status', 'Key fal_test'],
    ['/odd/answer', 'Key fal_test'],
  ])
  const other = falAt({ queueUrl: 'http://queue.test' })
  expect(await other.check({ id: 'r1', urls })).toMatchObject({ kind: 'unreachable' })
  expect(await other.check({ id: 'r1', urls: {} })).toMatchObject({ kind: 'unreachable' })
  expect(await other.cancel({ id: 'r1', urls: {} })).toMatchObject({ kind: 'unreachable' })
  expect(server.asked).toHaveLength(2)
})

const nginx = '<html><center>nginx</center></html>'
const id = { 'x-fal-request-id': 'r1' }
const results: [string, Scripted, unknown][] = [
  ['a gateway without a word', { status: 503, body: nginx }, { kind: 'unreachable' }],
  ['a gateway with words', { status: 502, body: { error: 'Bad gateway' } }, { kind: 'unreachable' }],
  [
    'a job with an error type',
    { status: 503, body: { detail: 'x', error_type: 'y' } },
    { kind: 'failed', reason: 'x' },
  ],
  [
    'a job with a header',
    { status: 504, headers: { 'x-fal-error-type': 'y' }, body: nginx },
    { kind: 'failed', reason: 'y' },
  ],
  ["a job with fal's id", { status: 500, headers: id, body: {} }, { kind: 'failed', reason: /status 500/ }],
  ['a job that lists fields', { status: 500, body: { detail: [{ msg: 'x' }] } }, { kind: 'failed', reason: 'x' }],
  [
    'a job with a client error',
    { status: 400, body: { detail: 'too small' } },
    { kind: 'failed', reason: 'too small' },
  ],
  ['a job with a message', { status: 422, body: { message: 'too small' } }, { kind: 'failed', reason: 'too small' }],
  ['a job with a list', { status: 422, body: [{ msg: 'x' }, 'y'] }, { kind: 'failed', reason: 'x; y' }],
  [
    'a gateway with a message',
    { status: 502, body: { message: 'busy' } },
    { kind: 'unreachable', reason: 'fal answered 502: busy' },
  ],
  ['a job that did not find', { status: 404, body: { detail: [{ msg: 'x' }] } }, { kind: 'failed', reason: 'x' }],
  ['fal that knows no such request', { status: 404, headers: id, body: {} }, { kind: 'missing' }],
  ['fal that knows no such key', { status: 401, headers: id, body: { detail: 'x' } }, { kind: 'unreachable' }],
  [
    'fal that is not so far',
    { status: 400, headers: id, body: { detail: 'Request is still in progress' } },
    { kind: 'unreachable' },
  ],
  ['fal that is not so far', { status: 202, body: { status: 'IN_PROGRESS' } }, { kind: 'unreachable' }],
  ['a success without a body', { status: 200, body: '' }, { kind: 'unreachable' }],
]
test.each(results)('check() tells %s: %j', async (_, result, seen) => {
  const server = await scripted(({ url }) => (url === '/status' ? { body: { status: 'COMPLETED' } } : result))
  const urls = { get: `${server.url}/status`, response: `${server.url}/answer` }
  const { reason, ...rest } = seen as { reason?: string | RegExp }
  const observed = await falAt({ queueUrl: server.url }).check({ id: 'r1', urls })
  expect(observed).toMatchObject({ ...rest, ...(typeof reason === 'string' && { reason }) })
  if (reason instanceof RegExp) expect(observed).toMatchObject({ reason: expect.stringMatching(reason) })
})

test.each([
  [{ body: {} }, 'running'],
  [{ body: nginx }, 'running'],
  [{ status: 202, body: { status: 'COMPLETED', error: 'x' } }, 'failed'],
  [{ status: 403, body: {} }, 'unreachable'],
])('check() takes the status %j as %s', async (status, kind) => {
  const server = await scripted(({ url }) => (url === '/status' ? status : { status: 503 }))
  const urls = { get: `${server.url}/status`, response: `${server.url}/answer` }
  expect(await falAt({ queueUrl: server.url }).check({ id: 'r1', urls })).toMatchObject({ kind })
})
