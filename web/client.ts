// The client of the functions, for the page and for any other app: in browsers, in Node, in workers. It has no dependency and touches no
// DOM. It promises one error class for every refusal and fault, and a watch() that is polite to the functions and stubborn about the net.

import type {
  AttemptView,
  RecipesAnswer,
  RecipeView,
  StepView,
  TaskView,
  TelegramLink,
  TelegramLinks,
  Usage,
} from '../core/answers.ts'
import type { Deleted } from '../core/privacy-answers.ts'
import type { Status } from '../core/task.ts'
import { readJson, retryAfter } from './client/answer.ts'
import { invalid, unexpected } from './client/error.ts'
import { fetchFile } from './client/file.ts'
import { openNews } from './client/news.ts'
import { openPrivacy } from './client/privacy.ts'
import { type Ask, type ClientOptions, openAsk, type Post } from './client/request.ts'
import type { RecipeInputs } from './inputs.ts'
import { type PollOptions, poll } from './poll.ts'

export { type ErrorCode, StepgateError } from './client/error.ts'
export type { ClientOptions } from './client/request.ts'
export type { PollOptions, Trouble } from './poll.ts'
export type { AttemptView, Deleted, RecipeInputs, RecipeView, StepView, TaskView, TelegramLink, TelegramLinks, Usage }

export interface Session {
  user_id: string
  token: string
  expires_at: string
  /** Whether there is a bot, which `linkTelegram` links a chat to. */
  telegram: boolean
}

export interface Started {
  task_id: string
  status: Status
  current_step: number
  total_steps: number
  status_url: string
  estimated_time_seconds: number
}

/** A stored result of the user's own: the chosen one of its step where the attempt is left out. */
export interface OwnResult {
  task_id: string
  step: number
  attempt?: number
  file?: number
}

/** The first picture of a recipe, which `from` stands for. */
type FirstPicture = 'person_image' | 'image' | 'avatar'

export type StartRequest = {
  [Name in keyof RecipeInputs]: { recipe: Name } & (
    | RecipeInputs[Name]
    | (Omit<RecipeInputs[Name], FirstPicture> & { from: OwnResult })
  )
}[keyof RecipeInputs] & {
  auto_continue?: boolean
  /** How many pictures each prediction makes, where the recipe can. */
  candidates?: number
  /** Where an app hears of this task: a host of the deployment's NOTIFY_HOSTS. */
  notify_url?: string
}

export interface TaskPage {
  tasks: TaskView[]
  next_cursor: string | null
}

interface ContinueOptions {
  step?: number | undefined
  attempt?: number | undefined
  /** 1 is the first. */
  file?: number | undefined
  /** In the recipe's own words, against what the task was started with; `{}` takes it back. */
  change?: Record<string, unknown> | undefined
  all?: boolean | undefined
}

interface ChooseOptions {
  step: number
  attempt: number
  file?: number | undefined
}

interface RedoOptions {
  step?: number | undefined
  attempt?: number | undefined
  /** In the recipe's own words, against what the task was started with; `{}` takes it back. */
  change?: Record<string, unknown> | undefined
  candidates?: number | undefined
}

interface TaskQuery {
  status?: Status
  limit?: number
  cursor?: string
}

export type Client = ReturnType<typeof createClient>

const viewMembers = ['task_id', 'status', 'current_step', 'steps'] as const

export function createClient(options: ClientOptions = {}) {
  const ask = openAsk(options)
  const post: Post = <T>(path: string, body: unknown, members: readonly (keyof T & string)[], headers = {}) =>
    ask(
      path,
      { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } },
      (response) => readJson<T>(response, members),
    )
  const move = (path: string, body: unknown) => post<TaskView>(path, body, viewMembers)
  const status = (taskId: string, signal?: AbortSignal) =>
    ask(statusPath(taskId), { signal }, (response) => readJson<TaskView>(response, viewMembers))
  const tasks = (query: TaskQuery = {}, signal?: AbortSignal) =>
    ask(`/api/tasks?${searchOf(query)}`, { signal }, (response) =>
      readJson<TaskPage>(response, ['tasks', 'next_cursor']),
    )
  return {
    /** Makes an anonymous user, or extends the one that the cookie or token names. */
    session: ({ turnstileToken }: { turnstileToken?: string } = {}) =>
      post<Session>('/api/session', { turnstile_token: turnstileToken }, ['user_id', 'token', 'expires_at']),
    /** One key for one intention, kept over retries: then the task is started once, however often this is called. */
    start: async (request: StartRequest, { idempotencyKey }: { idempotencyKey?: string } = {}) =>
      post<Started>('/api/start', request, ['task_id', 'status'], keyHeader(idempotencyKey)),
    ...{ status, tasks },
    /** Every change of a task, to its end. `seen` is a view that is known already; it isn't given again. */
    watch: (taskId: string, { seen, ...polling }: PollOptions & { seen?: TaskView } = {}) =>
      poll(lookAt(ask, taskId), polling, seen?.poll_after_ms ?? undefined),
    /** The newest tasks, whenever asked anew, until none of them moves by itself or waits. */
    watchTasks: (query: TaskQuery = {}, polling: PollOptions = {}) =>
      poll(async (signal) => pacedBy(await tasks(query, signal)), polling),
    /**
     * `step` is the step that was seen done: a second call, or one from a stale page, then changes nothing. `attempt` and `file` choose the
     * picture that the next step is made of, `change` says what is to be otherwise with it.
     */
    continue: (taskId: string, { step, attempt, file, change, all }: ContinueOptions = {}) =>
      move('/api/continue', { task_id: taskId, step, attempt, file, change, all }),
    /** Another attempt's picture, or another candidate, becomes the step's result. Costs nothing, however often. */
    choose: (taskId: string, { step, attempt, file }: ChooseOptions) =>
      move('/api/choose', { task_id: taskId, step, attempt, file }),
    /** `step` and `attempt` are the newest that was seen: a second call, or one from a stale page, then changes nothing and costs nothing. */
    redo: (taskId: string, { step, attempt, change, candidates }: RedoOptions = {}) =>
      move('/api/redo', { task_id: taskId, step, attempt, change, candidates }),
    /** What the user has spent today and this month, and what is left, in millionths of a dollar. */
    usage: (signal?: AbortSignal) =>
      ask('/api/usage', { signal }, (response) => readJson<Usage>(response, ['day', 'month', 'spending'])),
    ...openNews(ask, post),
    /** What is offered here, with what a form for each needs. */
    recipes: (signal?: AbortSignal) => askRecipes(ask, signal),
    cancel: (taskId: string) => move('/api/cancel', { task_id: taskId }),
    ...openPrivacy(ask, post),
    /** The file behind a view's `result_url` or `intermediate_result`, of any size. */
    result: (url: string, signal?: AbortSignal) => fetchFile(ask, url, signal),
    /** Gives an address for a start request. */
    upload: async (file: Blob) => {
      const headers = { 'content-type': file.type || 'application/octet-stream' }
      const { url } = await ask('/api/upload', { method: 'POST', body: file, headers }, (response) =>
        readJson<{ url: string }>(response, ['url']),
      )
      return url
    },
  }
}

/** The page, and when the next of its tasks is to be looked at. */
function pacedBy(page: TaskPage) {
  const waits = page.tasks.flatMap(({ poll_after_ms }) => poll_after_ms ?? [])
  return { value: page, nextMs: waits.length > 0 ? Math.min(...waits) : undefined }
}

function searchOf(query: TaskQuery): URLSearchParams {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  return new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]))
}

const askRecipes = (ask: Ask, signal: AbortSignal | undefined): Promise<RecipeView[]> =>
  ask('/api/recipes', { signal }, async (answer) => (await readJson<RecipesAnswer>(answer, ['recipes'])).recipes)

const statusPath = (taskId: string): string => `/api/status?${new URLSearchParams({ task_id: taskId })}`

/** A key that a header can't carry would start the task without one, and a retry would start it twice. */
function keyHeader(key: string | undefined): Record<string, string> {
  if (key === undefined) return {}
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) throw invalid('idempotencyKey', 'must be 1 to 255 visible ASCII characters')
  return { 'idempotency-key': key }
}

/** One look at a task: nothing is sent again that was seen already. */
function lookAt(ask: Ask, taskId: string) {
  let etag: string | undefined
  return (signal: AbortSignal | undefined) => {
    const headers = etag ? { 'if-none-match': etag } : {}
    return ask(statusPath(taskId), { signal, headers }, async (response) => {
      if (response.status === 304) {
        if (etag === undefined) throw unexpected(response, 'nothing, though nothing was known')
        return { nextMs: retryAfter(response) ?? 5_000 }
      }
      const value = await readJson<TaskView>(response, viewMembers)
      etag = response.headers.get('etag') ?? undefined
      return { value, nextMs: value.poll_after_ms ?? undefined }
    })
  }
}
