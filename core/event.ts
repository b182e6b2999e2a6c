// Events: what is told of tasks, through which channels, and how long a delivery is tried. db/statements/outbox.ts writes them,
// engine/deliver.ts delivers them, notify/ has a file for each channel.
import type { Task } from './task.ts'

export const eventTypes = [
  'task.waiting', // a step is done, and its gate waits for a person
  'task.completed',
  'task.failed',
  'task.canceled', // by a person, or because nobody answered at a gate
  'task.gate_closing', // a gate closes within a day
  'task.step_completed', // a step is done and the next begins by itself: for chats alone, which show every picture
  'budget.reached', // a day's ceiling is near, or reached
] as const
export type EventType = (typeof eventTypes)[number]

export type ChannelKind = 'webhook' | 'telegram' | 'push'

/** Who may hear of a move, as statements are told it: then they also write its events. */
export interface Notify {
  /** The deployment's own address hears of everything. */
  url: boolean
  channels: readonly ChannelKind[]
}

/** Of a day's ceiling, beside the task whose start met it. */
export interface BudgetReached {
  scope: 'deployment' | 'user'
  percent: number
  spent_micros: number
  limit_micros: number
  /** UTC midnight. */
  resets_at: string
}

/** What of a task's row is never in an event: its input, what opens something, and what is the engine's own. A view can be made of the rest. */
export const untold = [
  ...(['input', 'strays', 'provider_urls', 'output', 'claim_token'] as const),
  ...(['claim_id', 'notify_url', 'lock_key', 'idempotency_key', 'request_hash'] as const),
] as const

/** The task as its move left it. */
export type ToldTask = Omit<Task, (typeof untold)[number]>

/** One event for one receiver, as its channel is handed it. */
export interface Delivery {
  /** The same in every repetition: by it a receiver knows that it has seen the event. */
  id: string
  type: EventType
  at: Date
  user_id: string
  task: ToldTask
  budget: BudgetReached | null
  channel: ChannelKind
  /** `url`, `task-url`, or a listener's id. */
  receiver: string
  /** A listener's address, or the web address that a task's start has named. Null: the deployment's own. */
  address: unknown
  /** This one included. */
  tries: number
}

/** What became of one try. */
export type SendResult =
  | { kind: 'delivered' }
  /** It may be taken another time. */
  | { kind: 'later'; reason: string; retryAfterSeconds?: number | undefined }
  /** This event will never be taken; the receiver may take others. */
  | { kind: 'refused'; reason: string }
  /** The receiver wants no more: its listener is removed. */
  | { kind: 'gone'; reason: string }

const minute = 60
const hour = 60 * minute
/** As Standard Webhooks advises; the last is repeated. */
const pauses = [5, 30, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour] as const

/** An event that no try has delivered is given up after this long. */
export const giveUpSeconds = 3 * 24 * hour

/** How long the next try waits, after so many: up to a tenth more, by the task's id, so that what failed together doesn't come back together. */
export function pauseSeconds(tries: number, taskId: string, retryAfterSeconds = 0): number {
  const pause = pauses[Math.min(Math.max(tries, 1), pauses.length) - 1] as number
  const jitter = Number.parseInt(taskId.slice(-4), 16) / 0xffff
  return Math.max(pause * (1 + jitter / 10), retryAfterSeconds)
}

const instants = ['created_at', 'updated_at', 'finished_at', 'submitted_at', 'deadline_at', 'due_at'] as const

/** The row as jsonb tells it, with its instants. */
export function toldTask(row: Record<string, unknown>): ToldTask {
  const dates = instants.map((name) => [name, typeof row[name] === 'string' ? new Date(row[name]) : null])
  return { ...row, ...Object.fromEntries(dates) } as unknown as ToldTask
}
