// What a task is: its states, its row, and the record of each step. view.ts makes of it what its owner sees.
// Every other folder speaks in these words; `docs/states.md` tells who moves a task on from each of them.

/** What the owner sees. The last three are endings; only redo takes a `failed` task back to `pending`. */
export const statuses = ['pending', 'processing', 'waiting_continue', 'completed', 'failed', 'canceled'] as const
export type Status = (typeof statuses)[number]

/** How much is known of the open attempt. Null when no attempt is open. */
export type Phase =
  | 'submitting' // claimed: one create may be on its way; after `due_at` its fate is unknown
  | 'unconfirmed' // the create's fate is unknown: to be found out, never to be sent again
  | 'running' // the prediction's id is known
  | 'storing' // the provider is done; its output is being copied

/** Why a task failed or was canceled, for programs; `error_message` says it for people. */
export const taskErrorCodes = [
  'provider_failed', // the provider ran the prediction and says it failed
  'provider_rejected', // the provider refused the request; nothing was created
  'provider_canceled', // canceled or aborted at the provider, not by us
  'prediction_lost', // the provider no longer knows the prediction
  'result_lost', // the output was deleted at the provider before it could be copied, or could not be copied in time
  'result_unusable', // the output is missing, too large or not of an accepted type
  'provider_not_configured', // the provider's key was missing here for the recipe's limit; nothing was sent
  'request_invalid', // the recipe could not build the step's request
  'submission_unconfirmed', // it could not be found out whether the provider created the prediction
  'timed_out', // still not over at the recipe's limit
  'gate_expired', // nobody continued within the recipe's time
] as const
export type TaskErrorCode = (typeof taskErrorCodes)[number]

export const gateReasons = ['budget_exceeded'] as const
export type GateReason = (typeof gateReasons)[number]

/** A file that a step produced, as stored. */
export interface StepFile {
  type: string
  size: number
}

/** What a step's attempt is asked for otherwise than the task was started with. */
export interface StepChange {
  /** As the recipe's `changes` gave it, pictures as references to files. */
  change?: unknown
  candidates?: number
}

/** The attempt, and which of its files, whose picture is a step's result. Files are numbered from 1. */
export interface Choice {
  attempt: number
  file: number
}

export const stepStatuses = ['processing', 'completed', 'failed', 'canceled'] as const

/** One closed attempt of a step, or (in a view) the open one. */
export interface StepRecord {
  step: number
  status: (typeof stepStatuses)[number]
  attempt: number
  prediction_id: string | null
  submitted_at: string | null
  finished_at: string | null
  files?: StepFile[]
  /** By which a person's own tools can make the same picture again. */
  seed?: number
  /** What it was asked for otherwise than the task was started with; how many pictures, where more than one. */
  change?: unknown
  candidates?: number
  error_code?: TaskErrorCode
  /** In millionths of a dollar, as far as it is known. */
  cost_micros?: number | null
  /** Earlier attempts of the same step, oldest first: what was paid before a redo stays on record. */
  past?: Omit<StepRecord, 'past'>[]
  /** Of the newest record alone: what a person chose. Without it the newest stored attempt's first file is the step's result. */
  chosen?: Choice
}

/** An attempt whose output is stored. */
export type StoredAttempt = StepRecord & { status: 'completed'; prediction_id: string; files: StepFile[] }

/** A prediction at the provider that no step wants (late, double, or of a canceled task): cancelled until it is over. */
export interface Stray {
  step: number
  attempt: number
  prediction_id: string
  urls: ProviderUrls
  over: boolean
  /** The first try to cancel it, and when the next is due. */
  tried_at?: string
  retry_at?: string
  /** 404s when it was to be canceled: the first may only mean that the provider doesn't list it yet. */
  misses?: number
  /** No more is tried, though the provider never confirmed that it is over. */
  given_up?: true
}

/** URLs that a provider returned for a prediction: stored and used, never built by us. */
export interface ProviderUrls {
  get?: string
  cancel?: string
  response?: string
}

/** One row of `tasks`, as read. */
export interface Task {
  id: string
  user_id: string
  recipe: string
  input: unknown
  auto_continue: boolean
  status: Status
  phase: Phase | null
  current_step: number
  next_step: number | null
  total_steps: number
  attempt: number
  /** How many pictures a prediction is asked for, and what single steps are asked for otherwise, by their numbers. */
  candidates: number
  changes: Record<string, StepChange>
  provider: string
  prediction_id: string | null
  provider_urls: ProviderUrls | null
  output: string[] | null
  claim_token: string | null
  due_at: Date | null
  submitted_at: Date | null
  /** While processing, the attempt's limit; while waiting, the gate's. */
  deadline_at: Date | null
  misses: number
  /** How often a pass has looked for the attempt's create, which nobody sends any more. */
  searches: number
  /** When a pass last took it to ask its provider. */
  checked_at: Date | null
  /** Checks in a row that had no answer, since when, and what came instead. */
  unanswered: number
  unanswered_since: Date | null
  unanswered_reason: string | null
  steps: StepRecord[]
  strays: Stray[]
  intermediate_result: string | null
  result_url: string | null
  error_code: TaskErrorCode | null
  error_message: string | null
  /** What each step was expected to cost, in millionths of a dollar; null where that isn't known. */
  prices: (number | null)[] | null
  /** What is still held for it beside what it has cost, and the day (UTC, as text) on whose ceilings all of it counts. */
  reserved_micros: number
  reserved_on: string | null
  settled_micros: number
  /** What the provider's figures make of the open attempt. */
  metered_micros: number | null
  /** Why a gate stands that should have opened by itself. */
  gate_reason: GateReason | null
  created_at: Date
  updated_at: Date
  finished_at: Date | null
}

/** What names one open attempt. Every write after a claim carries all four, and zero rows is the refusal. */
export interface OpenAttempt {
  id: string
  step: number
  attempt: number
  claim_token: string
}

/** The open attempt of a claimed task. Throws when there is none: a caller asked the wrong row. */
export function requireOpenAttempt(task: Task): OpenAttempt {
  if (!task.claim_token) throw new Error(`task ${task.id} has no open attempt (status ${task.status})`)
  return { id: task.id, step: task.current_step, attempt: task.attempt, claim_token: task.claim_token }
}

export function isFinished(status: Status): boolean {
  return status === 'completed' || status === 'failed' || status === 'canceled'
}

/**
 * Where the copy of a prediction's `index`-th output is stored. It names the prediction: neither a redo nor a double of
 * the provider's own can ever overwrite what was shown.
 */
export function resultKey(id: string, step: number, predictionId: string, index = 0): string {
  return `results/${id}/${step}/${predictionId.replaceAll(/[^A-Za-z0-9_-]/g, '-')}/${index}`
}

/** All closed attempts of a step, oldest first; the open one too, where a view has it. */
export const attemptsOf = (record: StepRecord | undefined): StepRecord[] =>
  record ? [...(record.past ?? []), record] : []

/** A step's stored result: what was chosen or else the newest, or that of one attempt. */
export function storedAttempt(task: Pick<Task, 'steps'>, step: number, attempt?: number): StoredAttempt | undefined {
  const record = task.steps[step - 1]
  if (!record) return undefined
  const wanted = attempt ?? record.chosen?.attempt
  return attemptsOf(record).findLast(
    (closed): closed is StoredAttempt =>
      closed.status === 'completed' && (wanted === undefined || closed.attempt === wanted),
  )
}

/** Which file of its chosen attempt is a step's result; 1 is the first. */
export const chosenFile = (task: Pick<Task, 'steps'>, step: number): number => task.steps[step - 1]?.chosen?.file ?? 1

/** What a redo asks for where nothing is said: the same as the picture that is shown, or as the attempt that failed. */
export function askedAgain(task: Pick<Task, 'status' | 'steps' | 'candidates' | 'changes'>, step: number): StepChange {
  const record = task.status === 'failed' ? task.steps[step - 1] : storedAttempt(task, step)
  if (!record) return askedOf(task, step)
  return { change: record.change, candidates: record.candidates ?? 1 }
}

/** What a step's next or open attempt is asked for. */
export function askedOf(task: Pick<Task, 'candidates' | 'changes'>, step: number): Required<StepChange> {
  const { change, candidates = task.candidates } = task.changes[step] ?? {}
  return { change, candidates }
}
