// A function call of the simulation, and the operations by which it touches the world. The scheduler owns both.

export type Fate = 'done' | 'failed before' | 'failed after' | 'killed before' | 'killed after' | 'late'
export type Fates = Partial<Record<Fate, number>>

/** One function call: it lives at most as long as the platform lets it, and may be killed at any of its operations. */
export interface Activity {
  name: string
  bornAt: number
  pending: number
  state: 'alive' | 'finished' | 'killed'
  /** It goes on before the others do, nearly always. */
  isHasty: boolean
  /** Time that passed for this call alone. */
  lagMs: number
  /** Since it began, by the virtual clock. */
  elapsedMs(): number
  /** What it has `setTimeout` do. Gives what takes it back. */
  later(ms: number, fire: () => void): () => void
}

export interface Operation {
  activity: Activity
  label: string
  /** Fates beside `done`, with their weights, while faults are on. */
  fates: Fates
  /** Those that stay when the faults have stopped. */
  lasting?: Fates | undefined
  /** After this long it ends without an answer: in one of `fates` that isn't a death, or with no effect. */
  patienceMs: number
  /** While it is so, nothing becomes of it but the end of patience. */
  isHeld?: (() => boolean) | undefined
  begunAt: number
  run(): Promise<unknown>
  fail(fate: Fate): unknown
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** Somebody waits for time to pass. */
export interface Timer {
  activity: Activity
  at: number
  fire(): void
}

/** A fault of the simulation's own, or one that must never be taken for a simulated one: it ends the run. */
export class LoudFault extends Error {
  override name = 'LoudFault'
}
