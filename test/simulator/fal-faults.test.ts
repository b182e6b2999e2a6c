import { expect, test } from 'vitest'
import { ConnectionFault } from '../../simulator/connection.ts'
import type { FaultInput } from '../../simulator/faults.ts'
import { base, endpoint, falHarness } from './fal-harness.ts'

const fault = (on: string, kind: string, more: object = {}) => [{ on, fault: kind, ...more } as FaultInput]

test.each([
  ['reset_before', 'before', 0],
  ['reset_after', 'after', 1],
] as const)('create %s breaks the connection', async (kind, when, created) => {
  const { fal, post } = falHarness()
  fal.addFaults(fault('create', kind))
  await expect(post()).rejects.toMatchObject({ when })
  expect(fal.till().created).toBe(created)
})

test.each([
  ['error_before', 502, 0],
  ['error_after', 502, 1],
  ['rate_limited', 429, 0],
  ['no_credit', 403, 0],
  ['rejected', 422, 0],
] as const)('create %s answers %d', async (kind, status, created) => {
  const { fal, post } = falHarness()
  fal.addFaults(fault('create', kind))
  expect((await post()).status).toBe(status)
  expect(fal.till()).toMatchObject({ create_requests: 1, created })
})

test('create truncated answers 200 with half a body, create slow answers late', async () => {
  const { fal, post, now } = falHarness()
  fal.addFaults([...fault('create', 'truncated'), ...fault('create', 'slow', { delay_ms: 2500 })])
  const short = await post()
  expect(short.status).toBe(200)
  await expect(short.json()).rejects.toThrow(SyntaxError)
  const asked = now()
  await post()
  expect(now() - asked).toBe(2500)
  expect(fal.till().created).toBe(2)
})

test.each([
  ['hang_before', 0],
  ['hang_after', 1],
])('create %s never answers until the client gives up', async (kind, created) => {
  const { fal } = falHarness()
  fal.addFaults(fault('create', kind))
  const client = new AbortController()
  const init = { method: 'POST', headers: { authorization: 'Key x' }, body: '{"prompt":"x"}', signal: client.signal }
  const answer = fal.fetch(new Request(`${base}/queue/${endpoint}`, init))
  client.abort(new Error('gave up'))
  await expect(answer).rejects.toThrow('gave up')
  expect(fal.till().created).toBe(created)
})

test.each(['get', 'result', 'cancel', 'list'] as const)('%s shows the faults of reading, each once', async (on) => {
  const { fal, submit, call, advance } = falHarness()
  const submitted = await submit()
  if (on === 'result') advance(4)
  const ask = () => {
    if (on === 'list') return call('GET', `/api/models/requests/by-endpoint?endpoint_id=${endpoint}`)
    const address = { get: submitted.status_url, result: submitted.response_url, cancel: submitted.cancel_url }[on]
    return call(on === 'cancel' ? 'PUT' : 'GET', address)
  }
  fal.addFaults([
    { on, fault: 'error', status: 503 },
    { on, fault: 'not_found' },
    { on, fault: 'rate_limited', retry_after: 3, header: true },
    { on, fault: 'reset' },
  ])
  const gateway = await ask()
  expect([gateway.headers.get('content-type'), gateway.headers.get('x-fal-request-id')]).toEqual(['text/html', null])
  expect(await gateway.text()).toContain('nginx')
  expect((await ask()).status).toBe(404)
  const limited = await ask()
  expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '3'])
  await expect(ask()).rejects.toThrow(ConnectionFault)
  expect((await ask()).status).toBeLessThan(300)
})

test('a status may be a word that nobody knows, and a result may be cut short', async () => {
  const { fal, submit, status, result, advance } = falHarness()
  const submitted = await submit()
  fal.addFaults([...fault('get', 'unknown_status', { word: 'THINKING' }), ...fault('result', 'truncated')])
  expect(await status(submitted)).toMatchObject({ status: 'THINKING' })
  advance(4)
  await expect((await result(submitted)).json()).rejects.toThrow(SyntaxError)
})

test('cancel may take effect unseen, or be accepted and come to nothing', async () => {
  const { fal, submit, call, advance } = falHarness()
  const [one, two, three] = [await submit(), await submit(), await submit()]
  fal.addFaults([...fault('cancel', 'error_after'), ...fault('cancel', 'reset_after'), ...fault('cancel', 'ignored')])
  expect((await call('PUT', one.cancel_url)).status).toBe(503)
  await expect(call('PUT', two.cancel_url)).rejects.toMatchObject({ when: 'after' })
  expect((await call('PUT', three.cancel_url)).status).toBe(202)
  advance(4)
  expect(fal.till().predictions.map(({ ending }) => ending)).toEqual(['canceled', 'canceled', 'succeeded'])
})

test.each([
  ['failed', {}, { error: 'E1', error_type: 'internal_error' }, 500],
  ['failed', { status: 503, error_type: 'startup_timeout' }, { error: 'E1', error_type: 'startup_timeout' }, 503],
  ['failed', { status: 422 }, { error: 'Invalid status code: 422' }, 422],
  ['canceled', {}, { error_type: 'client_cancelled' }, 499],
] as const)(
  'outcome %s %j is told in the status, and the result answers with its own',
  async (kind, more, shown, code) => {
    const { fal, submit, status, result, advance } = falHarness()
    fal.addFaults(fault('outcome', kind, { error: 'E1', ...more }))
    const submitted = await submit()
    advance(4)
    expect(await status(submitted)).toMatchObject({ status: 'COMPLETED', ...shown })
    const answer = await result(submitted)
    expect([answer.status, answer.headers.get('x-fal-request-id')]).toEqual([code, 'id1'])
  },
)

test('outcome result_only fails in the result alone; no_output and data_removed succeed for nothing', async () => {
  const { fal, submit, status, result, advance } = falHarness()
  fal.addFaults([
    ...fault('outcome', 'result_only'),
    ...fault('outcome', 'no_output'),
    ...fault('outcome', 'data_removed'),
  ])
  const [untold, empty, removed] = [await submit(), await submit(), await submit()]
  advance(4)
  expect(await status(untold)).not.toHaveProperty('error')
  expect((await result(untold)).status).toBe(422)
  expect(await (await result(empty)).json()).toEqual({})
  expect((await result(removed)).status).toBe(404)
})

test('list may be empty, or lag behind', async () => {
  const { fal, submit, list, advance } = falHarness()
  await submit()
  advance(10)
  await submit()
  advance(4)
  fal.addFaults([...fault('list', 'empty'), ...fault('list', 'lag', { seconds: 3 })])
  const count = async () => (await list(`endpoint_id=${endpoint}`)).items.length
  expect([await count(), await count(), await count()]).toEqual([0, 1, 2])
})

test('a rate limit holds for a minute', async () => {
  const { fal, post, advance } = falHarness()
  fal.set({ rate_limit_per_minute: 1 })
  expect((await post()).status).toBe(200)
  advance(20)
  const refused = await post()
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '40'])
  advance(40)
  expect((await post()).status).toBe(200)
})
