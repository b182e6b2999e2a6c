// Rows of `tasks` in any lawful state, with the instants, the claim, the prediction and the records that the state implies.
// Tests of db/ and of the endpoints call it; whatever a test cares about, it says as an override.
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import type { Phase, Status, StepRecord, Stray, Task } from '../../core/task.ts'
import type { RecipeTerms } from '../../db/statements/claim.ts'
import type { Db } from '../../db/statements/sql.ts'

export interface Row extends Task {
  lock_key: string | null
  idempotency_key: string | null
  request_hash: string | null
  slot: number | null
  claim_id: string | null
  missed_at: Date | null
}

export interface TaskOverrides extends Partial<Row> {
  /** When the task came into its state; by default this moment. */
  at?: Date
}

/** Round numbers, so that a test can tell which of them moved an instant. */
export const tryOnTerms: RecipeTerms = {
  recipe: 'try-on',
  firstCheckSeconds: 2,
  minCheckSeconds: 2,
  maxCheckSeconds: 15,
  watchSeconds: 600,
  slowCheckSeconds: 300,
  limitSeconds: 3_600,
  gateSeconds: 7 * 24 * 3_600,
  unconfirmedSeconds: 3_600,
}

export const leaseSeconds = 90

/** Every state that a task can be in. */
export const states = {
  pending: { status: 'pending' },
  'pending (redo)': { status: 'pending', current_step: 1, next_step: 1 },
  submitting: { phase: 'submitting' },
  unconfirmed: { phase: 'unconfirmed' },
  running: { phase: 'running' },
  storing: { phase: 'storing' },
  waiting_continue: { status: 'waiting_continue' },
  completed: { status: 'completed' },
  failed: { status: 'failed' },
  canceled: { status: 'canceled' },
  'canceled while submitting': { status: 'canceled', phase: 'submitting' },
  'canceled while unconfirmed': { status: 'canceled', phase: 'unconfirmed' },
} as const satisfies Record<string, TaskOverrides>
export type State = keyof typeof states
export const stateNames = Object.keys(states) as State[]

export const later = (instant: Date, seconds: number): Date => new Date(instant.getTime() + seconds * 1000)

export const stray = (overrides: Partial<Stray> = {}): Stray => ({
  step: 1,
  attempt: 1,
  prediction_id: `stray-${randomUUID()}`,
  urls: { cancel: 'https://provider.test/stray/cancel' },
  over: false,
  ...overrides,
})

export async function insertTask(db: Db, overrides: TaskOverrides = {}): Promise<Row> {
  const [row] = await insertTasks(db, [overrides])
  if (!row) throw new Error('the row was not returned')
  return row
}

export function insertTasks(db: Db, many: readonly TaskOverrides[]): Promise<Row[]> {
  return insertRows(db, many.map(taskRow))
}

/** Rows as they are: the table has the last word. */
export async function insertRows(db: Db, rows: readonly Row[]): Promise<Row[]> {
  const inserted = await sql<Row>`
    insert into tasks select * from jsonb_populate_recordset(null::tasks, ${JSON.stringify(rows)}::jsonb) returning *
  `.execute(db)
  return inserted.rows
}

/** The row that insertTask() would insert. */
export function taskRow({ at = new Date(), ...overrides }: TaskOverrides = {}): Row {
  const status = overrides.status ?? (overrides.phase ? 'processing' : 'pending')
  const phase = overrides.phase ?? (status === 'processing' ? 'running' : null)
  const total_steps = overrides.total_steps ?? 3
  const current_step = overrides.current_step ?? { pending: 0, completed: total_steps }[status as string] ?? 1
  const attempt = overrides.attempt ?? Math.min(current_step, 1)
  const id = overrides.id ?? uuidv7()
  const submitted_at = current_step > 0 ? later(at, -30) : null
  const known = { id, status, phase, total_steps, current_step, attempt, submitted_at }
  return {
    ...plain(at),
    ...known,
    ...ofPhase(phase),
    ...ofStatus(status, known, at),
    ...dueOf(known, at),
    ...overrides,
  }
}

const plain = (at: Date) => ({
  user_id: 'ada',
  recipe: 'try-on',
  provider: 'replicate',
  input: { person_image: 'upload:person', garments: [] },
  auto_continue: false,
  candidates: 1,
  changes: {},
  next_step: null,
  misses: 0,
  searches: 0,
  missed_at: null,
  claim_id: null,
  checked_at: null,
  unanswered: 0,
  unanswered_since: null,
  unanswered_reason: null,
  strays: [],
  prices: null,
  reserved_micros: 0,
  reserved_on: null,
  settled_micros: 0,
  metered_micros: null,
  gate_reason: null,
  intermediate_result: null,
  result_url: null,
  deadline_at: null,
  lock_key: null,
  idempotency_key: null,
  request_hash: null,
  slot: null,
  error_code: null,
  error_message: null,
  created_at: later(at, -60),
  updated_at: at,
  finished_at: null,
})

type Known = Pick<Row, 'id' | 'status' | 'phase' | 'total_steps' | 'current_step' | 'attempt' | 'submitted_at'>

function ofPhase(phase: Phase | null) {
  const prediction_id = phase === 'running' || phase === 'storing' ? `prediction-${randomUUID()}` : null
  return {
    claim_token: phase ? randomUUID() : null,
    prediction_id,
    provider_urls: prediction_id ? { get: `https://provider.test/${prediction_id}` } : null,
    output: phase === 'storing' ? ['https://provider.test/output.png'] : null,
  }
}

function ofStatus(status: Status, known: Known, at: Date): Partial<Row> & { steps: StepRecord[] } {
  const steps = recordsOf(known, at)
  const shown = `/api/result?task_id=${known.id}&step=${known.current_step}&attempt=${known.attempt}`
  switch (status) {
    case 'pending':
      return { steps, next_step: Math.min(known.current_step + 1, known.total_steps) }
    case 'processing':
      return { steps }
    case 'waiting_continue':
      return { steps, intermediate_result: shown }
    case 'completed':
      return { steps, result_url: shown, finished_at: at }
    case 'failed':
      return { steps, error_code: 'provider_failed', error_message: 'The model ran out of memory.', finished_at: at }
    case 'canceled':
      return { steps, finished_at: at }
  }
}

/** The closed attempts: one a step, each step before the last completed. */
function recordsOf({ status, current_step, attempt }: Known, at: Date): StepRecord[] {
  const ended = status === 'failed' || status === 'canceled' ? status : 'completed'
  const closed = status === 'processing' && attempt < 2 ? current_step - 1 : current_step
  return Array.from({ length: closed }, (_, i) => ({
    step: i + 1,
    status: i + 1 < current_step ? 'completed' : ended,
    attempt: i + 1 < current_step ? 1 : Math.max(1, status === 'processing' ? attempt - 1 : attempt),
    prediction_id: `prediction-${randomUUID()}`,
    submitted_at: later(at, -30).toISOString(),
    finished_at: at.toISOString(),
    ...((i + 1 < current_step || ended === 'completed') && { files: [{ type: 'image/png', size: 1_000 }] }),
  }))
}

function dueOf({ status, phase }: Known, at: Date): Pick<Row, 'due_at' | 'deadline_at'> {
  if (phase) {
    const seconds = { submitting: leaseSeconds, unconfirmed: 20, running: 2, storing: 60 }[phase]
    return { due_at: later(at, seconds), deadline_at: later(at, tryOnTerms.limitSeconds - 30) }
  }
  const gate = later(at, tryOnTerms.gateSeconds)
  if (status === 'waiting_continue') return { due_at: gate, deadline_at: gate }
  return { due_at: status === 'pending' ? at : null, deadline_at: null }
}
