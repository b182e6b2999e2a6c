// The history of a task: what each move was, who caused it and when. `db/statements/history.ts` writes it, logs and the operator's command show it.

/** Who causes a write. A person's own move is `user`; the pass that runs after their call's answer bears the call's name. */
export type Cause =
  | 'user'
  | 'start'
  | 'continue'
  | 'redo'
  | 'cancel'
  | 'delete'
  | 'status'
  | 'webhook'
  | 'worker'
  | 'checker'
  | 'recover'
  | 'tick'
  | 'operator'

/** Of the process that makes a move, in MB. */
export interface Memory {
  rss_mb: number
  heap_mb: number
}

/** One move, as it is written. `was` and `became` are a status, or status/phase. */
export interface Entry {
  move: string
  was: string | null
  became: string
  step: number
  attempt: number
  code: string | null
  reason: string | null
  /** True: a step ended without a result; false: with one; null: none ended. */
  failed: boolean | null
}

/** One move, as it is reported by the statement that made it. */
export interface MoveReport extends Entry {
  task: string
  /** How long the task had been in `was`. */
  ms: number | null
  /** A failure after a success, or the very first. */
  opens_run?: boolean | null
  /** The statement has written events of it into the outbox. */
  has_events?: true
}

/** One move, as it is read back. */
export interface TaskEvent extends Entry {
  at: Date
  by: Cause | null
  rss_mb: number | null
  heap_mb: number | null
}
