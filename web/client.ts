// The client of the functions, for the page and for any other app: in browsers, in Node, in workers. It has no dependency and touches no
// DOM. It promises one error class for every refusal and fault, and a watch() that is polite to the functions and stubborn about the net.

import type { AttemptView, StepView, TaskView } from '../core/answers.ts'
import type { FieldError, ProblemCode } from '../core/errors.ts'
import type { Status } from '../core/task.ts'
import type { RecipeInputs } from './inputs.ts'
import { type PollOptions, poll } from './poll.ts'

export type { PollOptions, Trouble } from './poll.ts'
export type { AttemptView, RecipeInputs, StepView, TaskView }

export interface ClientOptions {
  /** Where the functions are: `https://app.example`. Empty: on this page's own origin. */
  baseUrl?: string
  fetch?: typeof fetch
  /** Sent as a Bearer token; a function is asked before every request. Without one, the session cookie speaks for the user. */
  token?: string | (() => string | undefined | Promise<string | undefined>)
  /** How long one request may take. */
  timeoutMs?: number
}

/** `unreachable`: no answer at all. `unexpected`: an answer that isn't the functions' own, such as a proxy's page. */
export type ErrorCode = ProblemCode | 'unreachable' | 'unexpected'

export class StepgateError extends Error {
  override name = 'StepgateError'
  /** 0 where there was no answer. */
  readonly status: number
  readonly code: ErrorCode
  readonly detail: string
  /** One entry a wrong field. */
  readonly errors: readonly FieldError[]
  /** With `already_running`: which task that is. */
  readonly taskId: string | undefined
  readonly retryAfterMs: number | undefined

  constructor(from: Pick<StepgateError, 'status' | 'code' | 'detail'> & Partial<StepgateError>) {
    super(from.detail, { cause: from.cause })
    this.status = from.status
    this.code = from.code
    this.detail = from.detail
    this.errors = from.errors ?? []
    this.taskId = from.taskId
    this.retryAfterMs = from.retryAfterMs
  }

  /** The same request may succeed later: the net, a restart, a moment's overload. */
  get isPassing(): boolean {
    if (this.code === 'not_configured' || this.code === 'quota_exceeded') return false
    return this.status === 0 || this.status === 429 || this.status >= 500
  }
}

export interface Session {
  user_id: string
  token: string
  expires_at: string
}

export interface Started {
  task_id: string
  status: Status
  current_step: number
  total_steps: number
  status_url: string
  estimated_time_seconds: number
}

export type StartRequest = {
  [Name in keyof RecipeInputs]: { recipe: Name } & RecipeInputs[Name]
}[keyof RecipeInputs] & {
  auto_continue?: boolean
}

export interface TaskPage {
  tasks: TaskView[]
  next_cursor: string | null
}

interface TaskQuery {
  status?: Status
  limit?: number
  cursor?: string
}

type Client = ReturnType<typeof createClient>

export type { Client }

export function createClient(options: ClientOptions = {}) {
  const ask = openAsk(options)
  const post = async <T>(path: string, body: unknown, headers: Record<string, string> = {}) => {
    const init = {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    }
    return readJson<T>(await ask(path, init))
  }
  const status = async (taskId: string, signal?: AbortSignal) =>
    readJson<TaskView>(await ask(`/api/status?task_id=${taskId}`, signal && { signal }))
  const tasks = async (query: TaskQuery = {}, signal?: AbortSignal) => {
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) search.set(name, String(value))
    return readJson<TaskPage>(await ask(`/api/tasks?${search}`, signal && { signal }))
  }
  return {
    /** Makes an anonymous user, or extends the one that the cookie or token names. */
    session: () => post<Session>('/api/session', {}),
    /** One key for one intention, kept over retries: then the task is started once, however often this is called. */
    start: (request: StartRequest, { idempotencyKey }: { idempotencyKey?: string } = {}) =>
      post<Started>('/api/start', request, idempotencyKey ? { 'idempotency-key': idempotencyKey } : {}),
    status,
    tasks,
    /** Every change of a task, to its end. `seen` is a view that is known already; it isn't given again. */
    watch: (taskId: string, { seen, ...polling }: PollOptions & { seen?: TaskView } = {}) =>
      poll(lookAt(ask, taskId), polling, seen?.poll_after_ms ?? undefined),
    /** The newest tasks, whenever asked anew, until none of them moves by itself or waits. */
    watchTasks: (query: TaskQuery = {}, polling: PollOptions = {}) =>
      poll(async (signal) => {
        const page = await tasks(query, signal)
        const waits = page.tasks.flatMap(({ poll_after_ms }) => poll_after_ms ?? [])
        return { value: page, nextMs: waits.length > 0 ? Math.min(...waits) : undefined }
      }, polling),
    /** `step` is the step that was seen done: a second call, or one from a stale page, then changes nothing. */
    continue: (taskId: string, { step, all }: { step?: number; all?: boolean } = {}) =>
      post<TaskView>('/api/continue', { task_id: taskId, step, all }),
    /** `step` and `attempt` are what was seen: a second call, or one from a stale page, then changes nothing and costs nothing. */
    redo: (taskId: string, { step, attempt }: { step?: number; attempt?: number } = {}) =>
      post<TaskView>('/api/redo', { task_id: taskId, step, attempt }),
    cancel: (taskId: string) => post<TaskView>('/api/cancel', { task_id: taskId }),
    /** The file behind a view's `result_url` or `intermediate_result`. */
    result: async (url: string, signal?: AbortSignal) => (await ask(url, signal && { signal })).blob(),
    /** Gives an address for a start request. */
    upload: async (file: Blob) => {
      const headers = { 'content-type': file.type || 'application/octet-stream' }
      const answer = await ask('/api/upload', { method: 'POST', body: file, headers })
      return (await readJson<{ url: string }>(answer)).url
    },
  }
}

type Ask = (path: string, init?: RequestInit) => Promise<Response>

function openAsk({ baseUrl = '', fetch: send = globalThis.fetch, token, timeoutMs = 30_000 }: ClientOptions): Ask {
  return async (path, init = {}) => {
    const headers = new Headers(init.headers)
    const bearer = typeof token === 'function' ? await token() : token
    if (bearer) headers.set('authorization', `Bearer ${bearer}`)
    const limit = AbortSignal.timeout(timeoutMs)
    const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit
    let response: Response
    try {
      response = await send(baseUrl + path, { ...init, headers, signal })
    } catch (cause) {
      if (init.signal?.aborted || cause instanceof StepgateError) throw cause
      throw new StepgateError({ status: 0, code: 'unreachable', detail: 'There was no answer.', cause })
    }
    if (response.ok || response.status === 304) return response
    throw await readProblem(response)
  }
}

/** The functions' answers are of one make with these types; only a net that breaks off midway can make them something else. */
async function readJson<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T
  } catch (cause) {
    throw new StepgateError({ status: 0, code: 'unreachable', detail: 'The answer broke off.', cause })
  }
}

async function readProblem(response: Response): Promise<StepgateError> {
  const { status } = response
  const retryAfterMs = retryAfter(response)
  const isProblem = response.headers.get('content-type')?.includes('problem+json')
  const problem = isProblem
    ? await readJson<Record<string, unknown>>(response).catch(() => ({}) as Record<string, unknown>)
    : {}
  return new StepgateError({
    status,
    code: (problem['code'] as ProblemCode | undefined) ?? 'unexpected',
    detail: String(problem['detail'] ?? `The answer was HTTP ${status}.`),
    errors: (problem['errors'] as FieldError[] | undefined) ?? [],
    ...(typeof problem['task_id'] === 'string' && { taskId: problem['task_id'] }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })
}

const retryAfter = (response: Response): number | undefined => {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) ? seconds * 1000 : undefined
}

/** One look at a task: nothing is sent again that was seen already. */
function lookAt(ask: Ask, taskId: string) {
  let etag: string | undefined
  return async (signal: AbortSignal | undefined) => {
    const headers = etag ? { 'if-none-match': etag } : undefined
    const response = await ask(`/api/status?task_id=${taskId}`, {
      ...(signal && { signal }),
      ...(headers && { headers }),
    })
    if (response.status === 304) return { nextMs: retryAfter(response) ?? 5_000 }
    etag = response.headers.get('etag') ?? undefined
    const value = await readJson<TaskView>(response)
    return { value, nextMs: value.poll_after_ms ?? undefined }
  }
}
