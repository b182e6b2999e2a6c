// The table of calls with which contract.test.ts asks every endpoint for every answer that its contract knows.
import { switchSpending } from '../../db/statements/pauses.ts'
import type { Deps } from '../../engine/deps.ts'
import type { Call } from '../setup/client.ts'
import { png } from '../storage/setup.ts'

/** Tasks of ada's (who asks), addresses and tokens that the calls speak of. */
export interface Known {
  waiting: string
  spare: string
  failed: string
  /** Failed, of a recipe of which another task is running. */
  locked: string
  /** At a gate that gave back what was kept for its steps. */
  priced: string
  completed: string
  upload: string
  /** A link to a stored file, as a provider gets it; later it has expired. */
  link: string
  expired: string
  replicateReport(body: object | string): Call
  falReport(body: object | string): Call
}

type Where =
  | 'app'
  | 'bare'
  | 'blobless'
  | 'baseless'
  | 'keyless'
  | 'capped'
  | 'once'
  | 'full'
  | 'poor'
  | 'stopped'
  | 'guarded'

export interface Ask {
  /** As in the document. */
  operation: string
  status: number
  code?: string
  call: (known: Known) => Call
  /** Which deployment is asked: bare has no secrets, blobless and baseless lost their stores, capped has a quota, once allows one attempt a step, poor may spend nothing, guarded asks for a human. */
  at?: Where
  /** Without a token. */
  isAnonymous?: boolean
}

export const nobody = '019b76da-a800-7000-8000-000000000000'
const shirt = 'https://images.test/shirt.png'
const fine = { person_image: 'https://images.test/ada.jpg', garments: [shirt] }
export const evil = { origin: 'https://evil.example' }
const tooLarge = 'x'.repeat(6 * 1024 * 1024 + 1)
const tooDeep: object = JSON.parse('['.repeat(65) + ']'.repeat(65))

export const ask = (operation: string, status: number, call: Ask['call'], more: Partial<Ask> = {}): Ask => ({
  ...{ operation, status, call },
  ...more,
})
export const post = (path: string, body: unknown = '', headers: Record<string, string> = {}): Call => ({
  ...{ method: 'POST', path, body, headers },
})

/** What all that take a JSON body have in common. */
export const ofBody = (operation: string): Ask[] => {
  const path = operation.split(' ')[1] ?? ''
  return [
    ask(operation, 400, () => post(path, '{'), { code: 'invalid_json' }),
    ask(operation, 400, () => post(path, { task_id: 7, recipe: 7 }), { code: 'invalid_request' }),
    ask(operation, 413, () => post(path, tooLarge), { code: 'body_too_large' }),
    ask(operation, 403, () => post(path, '{}', evil), { code: 'origin_not_allowed', isAnonymous: true }),
  ]
}

const start: Ask[] = [
  ask('post /api/start', 202, () => post('/api/start', fine, { 'idempotency-key': 'one' })),
  ask('post /api/start', 200, () => post('/api/start', fine, { 'idempotency-key': 'one' })),
  ask('post /api/start', 422, () => post('/api/start', { ...fine, prompt_hints: 'x' }, { 'idempotency-key': 'one' }), {
    code: 'idempotency_mismatch',
  }),
  ask('post /api/start', 409, () => post('/api/start', { recipe: 'memes', prompts: ['a cat'] }), {
    code: 'already_running',
  }),
  ask('post /api/start', 202, () => post('/api/start', fine), { at: 'capped' }),
  ask('post /api/start', 429, () => post('/api/start', fine), { code: 'quota_exceeded', at: 'capped' }),
  ask('post /api/start', 429, () => post('/api/start', fine), { code: 'budget_exceeded', at: 'poor' }),
  ask('post /api/start', 409, () => post('/api/start', fine), { code: 'storage_exceeded', at: 'full' }),
  ask('post /api/start', 503, () => post('/api/start', fine), { code: 'spending_stopped', at: 'stopped' }),
  ask('post /api/start', 404, () => post('/api/start', { from: { task_id: nobody, step: 1 }, garments: [shirt] }), {
    code: 'not_found',
  }),
  ask(
    'post /api/start',
    409,
    ({ failed }) => post('/api/start', { from: { task_id: failed, step: 1 }, garments: [shirt] }),
    {
      code: 'not_choosable',
    },
  ),
  ask('post /api/start', 202, ({ waiting }) =>
    post('/api/start', { from: { task_id: waiting, step: 1 }, garments: [shirt] }),
  ),
  ...ofBody('post /api/start'),
]

const reading: Ask[] = [
  ask('get /api/status', 200, ({ waiting }) => ({ path: `/api/status?task_id=${waiting}` })),
  ask('get /api/status', 200, ({ completed }) => ({ path: `/api/status?task_id=${completed}` })),
  ask('get /api/status', 200, ({ failed }) => ({ path: `/api/status?task_id=${failed}` })),
  ask('get /api/status', 304, ({ completed }) => ({
    ...{ path: `/api/status?task_id=${completed}`, headers: { 'if-none-match': 'the one of before' } },
  })),
  ask('get /api/status', 400, () => ({ path: '/api/status' }), { code: 'invalid_request' }),
  ask('get /api/status', 404, () => ({ path: `/api/status?task_id=${nobody}` }), { code: 'not_found' }),
  ask('get /api/tasks', 200, () => ({ path: '/api/tasks' })),
  ask('get /api/tasks', 200, () => ({ path: '/api/tasks?limit=1' })),
  ask('get /api/tasks', 400, () => ({ path: '/api/tasks?limit=0' }), { code: 'invalid_request' }),
]

/** In this order: each moves its task on. */
const moving: Ask[] = [
  ...['continue', 'redo', 'cancel', 'choose'].flatMap((name) => [
    ...ofBody(`post /api/${name}`),
    ask(
      `post /api/${name}`,
      404,
      () => post(`/api/${name}`, { task_id: nobody, ...(name === 'choose' && { step: 1, attempt: 1 }) }),
      { code: 'not_found' },
    ),
  ]),
  ask('post /api/choose', 200, ({ waiting }) => post('/api/choose', { task_id: waiting, step: 1, attempt: 1 })),
  ask('post /api/choose', 409, ({ waiting }) => post('/api/choose', { task_id: waiting, step: 1, attempt: 2 }), {
    code: 'not_choosable',
  }),
  ask('post /api/choose', 409, ({ failed }) => post('/api/choose', { task_id: failed, step: 1, attempt: 1 }), {
    code: 'not_waiting',
  }),
  ask('post /api/continue', 409, ({ waiting }) => post('/api/continue', { task_id: waiting, step: 1, file: 2 }), {
    code: 'not_choosable',
  }),
  ask('post /api/continue', 409, ({ failed }) => post('/api/continue', { task_id: failed }), { code: 'not_waiting' }),
  ask('post /api/continue', 202, ({ waiting }) => post('/api/continue', { task_id: waiting, step: 1 })),
  ask('post /api/continue', 200, ({ waiting }) => post('/api/continue', { task_id: waiting, step: 1 })),
  ask('post /api/redo', 409, ({ waiting }) => post('/api/redo', { task_id: waiting }), { code: 'not_waiting' }),
  ask('post /api/redo', 409, ({ locked }) => post('/api/redo', { task_id: locked }), { code: 'already_running' }),
  ask('post /api/redo', 409, ({ completed }) => post('/api/redo', { task_id: completed }), {
    code: 'already_finished',
  }),
  ask('post /api/redo', 429, ({ spare }) => post('/api/redo', { task_id: spare }), {
    code: 'quota_exceeded',
    at: 'capped',
  }),
  ask('post /api/redo', 409, ({ spare }) => post('/api/redo', { task_id: spare }), {
    code: 'attempts_exceeded',
    at: 'once',
  }),
  ask('post /api/redo', 429, ({ priced }) => post('/api/redo', { task_id: priced }), {
    ...{ code: 'budget_exceeded', at: 'poor' },
  }),
  ask('post /api/redo', 503, ({ priced }) => post('/api/redo', { task_id: priced }), {
    ...{ code: 'spending_stopped', at: 'stopped' },
  }),
  ask('post /api/continue', 429, ({ priced }) => post('/api/continue', { task_id: priced }), {
    ...{ code: 'budget_exceeded', at: 'poor' },
  }),
  ask('post /api/redo', 202, ({ spare }) => post('/api/redo', { task_id: spare, step: 1 })),
  ask('post /api/redo', 200, ({ spare }) => post('/api/redo', { task_id: spare, step: 1 })),
  ask('post /api/cancel', 200, ({ spare }) => post('/api/cancel', { task_id: spare })),
  ask('post /api/cancel', 409, ({ spare }) => post('/api/cancel', { task_id: spare }), { code: 'already_finished' }),
]

const result = (known: Known, headers: Record<string, string> = {}): Call => ({
  ...{ path: `/api/result?task_id=${known.completed}&step=1&download=1`, headers },
})
const uploaded = (known: Known, headers: Record<string, string> = {}): Call => ({ path: known.upload, headers })

const files: Ask[] = [
  ...(
    [
      ['get /api/result', result],
      ['get /api/upload', uploaded],
    ] as const
  ).flatMap(([operation, at]) => [
    ask(operation, 200, (known) => at(known)),
    ask(operation, 206, (known) => at(known, { range: 'bytes=1-2' })),
    ask(operation, 304, (known) => at(known, { 'if-none-match': '*' })),
    ask(operation, 416, (known) => at(known, { range: 'bytes=9999999-' }), { code: 'range_not_satisfiable' }),
    ask(operation, 400, () => ({ path: operation.slice(4) }), { code: 'invalid_request' }),
  ]),
  ask('get /api/result', 200, ({ link }) => ({ path: link }), { isAnonymous: true }),
  ask('get /api/result', 403, ({ expired }) => ({ path: expired }), { code: 'link_expired' }),
  ask('get /api/result', 401, ({ link }) => ({ path: `${link}x` }), { code: 'bad_signature' }),
  ask('get /api/result', 404, () => ({ path: `/api/result?task_id=${nobody}&step=1` }), { code: 'not_found' }),
  ask('get /api/upload', 404, () => ({ path: `/api/upload?id=2026030112-${'0'.repeat(32)}` }), { code: 'not_found' }),
  ask('post /api/upload', 201, () => post('/api/upload', new Uint8Array(png(100)))),
  ask('post /api/upload', 400, () => post('/api/upload', 'x', { 'content-type': 'multipart/form-data; boundary=b' }), {
    code: 'invalid_request',
  }),
  ask('post /api/upload', 413, () => post('/api/upload', tooLarge), { code: 'body_too_large' }),
  ask('post /api/upload', 415, () => post('/api/upload', 'hello'), { code: 'unsupported_media_type' }),
  ask('post /api/upload', 403, () => post('/api/upload', 'x', evil), { code: 'origin_not_allowed', isAnonymous: true }),
]

const pings: Ask[] = ['get', 'post'].flatMap((method) =>
  ['worker', 'checker', 'recover'].flatMap((endpoint) => {
    const call = (token: string) => () => ({ method: method.toUpperCase(), path: `/api/${endpoint}`, token })
    return [
      ask(`${method} /api/${endpoint}`, 200, call('cron-secret-of-a-test')),
      ask(`${method} /api/${endpoint}`, 401, call('wrong'), { code: 'unauthenticated' }),
    ]
  }),
)

const webhooks: Ask[] = (['replicate', 'fal'] as const).flatMap((provider) => {
  const operation = `post /api/webhook/${provider}`
  const report = (body: object | string) => (known: Known) =>
    provider === 'fal' ? known.falReport(body) : known.replicateReport(body)
  const running = provider === 'fal' ? { request_id: 'p1', status: 'OK' } : { id: 'p1', status: 'processing' }
  const forged = (known: Known) => ({ ...report(running)(known), body: '{"id":"forged"}' })
  return [
    ask(operation, 200, report(running)),
    ask(operation, 400, report(tooDeep), { code: 'invalid_request' }),
    ask(operation, 413, report(tooLarge), { code: 'body_too_large' }),
    ask(operation, 401, forged, { code: 'bad_signature' }),
    ask(operation, 404, report(running), { code: 'not_found', at: 'keyless' }),
  ]
})

const others: Ask[] = [
  ask('get /api/usage', 200, () => ({ path: '/api/usage' })),
  ask('get /api/recipes', 200, () => ({ path: '/api/recipes' })),
  ask('post /api/session', 201, () => post('/api/session')),
  ...(
    [
      [400, '{', 'invalid_json'],
      [400, { turnstile_token: 7 }, 'invalid_request'],
      [403, {}, 'human_check_required'],
      [413, tooLarge, 'body_too_large'],
    ] as const
  ).map(([status, body, code]) =>
    ask('post /api/session', status, () => post('/api/session', body), { code, at: 'guarded', isAnonymous: true }),
  ),
  ask('post /api/session', 403, () => post('/api/session', '', evil), {
    code: 'origin_not_allowed',
    isAnonymous: true,
  }),
  ask('post /api/session', 404, () => post('/api/session'), { code: 'not_found', at: 'keyless' }),
  ask('get /api/health', 200, () => ({ path: '/api/health' }), { isAnonymous: true }),
  ask('get /api/health', 200, () => ({ path: '/api/health', token: 'cron-secret-of-a-test' })),
  ask('get /api/openapi.json', 200, () => ({ path: '/api/openapi.json' })),
]

/** Faults, of some endpoint each. */
const faults: Ask[] = [
  ask('get /api/health', 503, () => ({ path: '/api/health' }), { code: 'unavailable', at: 'baseless' }),
  ask('get /api/tasks', 503, () => ({ path: '/api/tasks' }), { code: 'unavailable', at: 'baseless' }),
  ask('get /api/worker', 503, () => ({ path: '/api/worker' }), { code: 'not_configured', at: 'bare' }),
  ask('get /api/tasks', 503, () => ({ path: '/api/tasks' }), { code: 'not_configured', at: 'bare' }),
  ask('get /api/upload', 500, ({ upload }) => ({ path: upload }), { code: 'internal', at: 'blobless' }),
  ...['get /api/status', 'post /api/start', 'get /api/health', 'get /api/openapi.json'].map((operation) =>
    ask(operation, 405, () => ({ method: 'PUT', path: operation.split(' ')[1] ?? '' }), { code: 'method_not_allowed' }),
  ),
]

export const asks: readonly Ask[] = [
  ...files,
  ...start,
  ...reading,
  ...moving,
  ...pings,
  ...webhooks,
  ...others,
  ...faults,
]

/** One call while an operator has stopped spending. */
export async function whileStopped<T>({ db, now }: Deps, work: () => Promise<T>): Promise<T> {
  const turn = (isStopped: boolean) => switchSpending(db, { isStopped, by: 'operator', now: now?.() })
  await turn(true)
  return work().finally(() => turn(false))
}
