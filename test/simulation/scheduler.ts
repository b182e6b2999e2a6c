// Decides what happens next. Every statement, request and blob access of every function call is an operation that waits
// here until it is picked; it may then take effect and answer, take effect and fail, fail before, or find its caller dead.
import type { Random } from './random.ts'

export type Fate = 'done' | 'failed before' | 'failed after' | 'killed before' | 'killed after' | 'late'

/** One function call: it lives at most as long as the platform lets it, and may be killed at any of its operations. */
export interface Activity {
  name: string
  bornAt: number
  pending: number
  state: 'alive' | 'finished' | 'killed'
}

export interface Operation {
  activity: Activity
  label: string
  /** Fates beside `done`, with their weights, while faults are on. */
  fates: Partial<Record<Fate, number>>
  run(): Promise<unknown>
  fail(fate: Fate): unknown
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** The platform's limit; a claim's lease is longer. */
const lifetimeMs = 60_000
/** How much longer than its caller a request may be under way before it reaches the provider. */
const lateMs = 60_000
/** Turns of the event loop in which the code between two operations has to run. */
const turns = 3
/** Then it can only be at work in a thread of Node's own (a signature is checked there): milliseconds, not turns. */
const patience = 10_000

export class Scheduler {
  nowMs = Date.UTC(2026, 0, 1)
  faults = true
  readonly trace: string[] = []
  readonly random: Random
  private readonly operations: Operation[] = []
  private readonly late: { at: number; label: string; run(): Promise<unknown> }[] = []
  private count = 0
  private last: Activity | undefined
  statements = 0

  constructor(random: Random) {
    this.random = random
  }

  now = (): Date => new Date(this.nowMs)

  note(line: string): void {
    this.trace.push(`${((this.nowMs - Date.UTC(2026, 0, 1)) / 1000).toFixed(1).padStart(8)}s  ${line}`)
  }

  /** Starts a function call and lets it run to its first operation. */
  async begin(name: string, body: (activity: Activity) => Promise<void>): Promise<Activity> {
    this.count += 1
    const activity: Activity = { name: `${name} #${this.count}`, bornAt: this.nowMs, pending: 0, state: 'alive' }
    this.note(`${activity.name} begins`)
    body(activity).then(
      () => this.end(activity, 'ends'),
      (error) => this.end(activity, `throws ${(error as Error).message}`),
    )
    await this.settle(activity)
    return activity
  }

  private end(activity: Activity, how: string): void {
    if (activity.state === 'alive') activity.state = 'finished'
    this.note(`${activity.name} ${how}`)
  }

  /** Called by the seams. Never settles once its activity is dead. */
  operate<T>(activity: Activity, part: Pick<Operation, 'label' | 'fates' | 'run' | 'fail'>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (activity.state === 'killed') return
      activity.pending += 1
      this.operations.push({ ...part, activity, resolve: resolve as (value: unknown) => void, reject })
    })
  }

  isIdle(): boolean {
    return this.operations.length === 0 && this.late.length === 0
  }

  /** Picks one waiting operation and its fate. False when none waits. */
  async step(): Promise<boolean> {
    const [operation] = this.operations.splice(this.draw(), 1)
    if (!operation) return false
    this.last = operation.activity
    operation.activity.pending -= 1
    const fate = this.faults ? this.random.weighted<Fate>({ done: 10, ...operation.fates }) : 'done'
    await this.meet(operation, fate)
    return true
  }

  /** Often the call that ran last goes on: some overtake all others, which even draws would hardly ever show. */
  private draw(): number {
    const same = this.operations.findIndex(({ activity }) => activity === this.last)
    return same >= 0 && this.random.chance(0.6) ? same : this.random.between(0, this.operations.length - 1)
  }

  private async meet(operation: Operation, fate: Fate): Promise<void> {
    const { activity, label } = operation
    this.note(`${activity.name}: ${label}${fate === 'done' ? '' : ` (${fate})`}`)
    if (fate === 'late') {
      this.late.push({ at: this.nowMs + this.random.between(1, lateMs), label, run: operation.run })
    } else if (fate === 'done' || fate.endsWith('after')) {
      const [value, error] = await operation.run().then(
        (value) => [value, undefined],
        (error) => [undefined, error],
      )
      if (fate === 'done') error === undefined ? operation.resolve(value) : operation.reject(error)
    }
    if (fate.startsWith('killed')) return this.kill(activity)
    if (fate !== 'done') operation.reject(operation.fail(fate))
    await this.settle(activity)
  }

  kill(activity: Activity): void {
    if (activity.state !== 'alive') return
    activity.state = 'killed'
    this.note(`${activity.name} is killed`)
    for (let index = this.operations.length - 1; index >= 0; index -= 1) {
      if (this.operations[index]?.activity === activity) this.operations.splice(index, 1)
    }
  }

  /** Moves the clock; requests on their way arrive, and calls past the platform's limit end, some after a last effect. */
  async advance(ms: number): Promise<void> {
    this.nowMs += ms
    this.note(`the clock moves on by ${(ms / 1000).toFixed(1)} s`)
    const arrived = this.late.filter((request) => request.at <= this.nowMs)
    for (const request of arrived) {
      this.late.splice(this.late.indexOf(request), 1)
      this.note(`arrives late: ${request.label}`)
      await request.run().catch(() => undefined) // nobody is there any more to hear the answer
    }
    for (const operation of [...this.operations]) {
      const { activity } = operation
      if (this.nowMs - activity.bornAt <= lifetimeMs || activity.state !== 'alive') continue
      if (this.random.chance(0.5)) await this.meetLast(operation)
      this.kill(activity)
    }
  }

  private async meetLast(operation: Operation): Promise<void> {
    this.note(`${operation.activity.name}: ${operation.label} (its last)`)
    await operation.run().catch(() => undefined) // dies with its caller
  }

  /** Lets the code between two operations run: it consists of resolved promises, and of a few turns of the loop. */
  private async settle(activity: Activity): Promise<void> {
    for (let turn = 0; turn < patience; turn += 1) {
      await new Promise((resolve) => (turn < 100 ? setImmediate(resolve) : setTimeout(resolve, 1)))
      if (turn >= turns && (activity.pending > 0 || activity.state !== 'alive')) return
    }
    throw new Error(`${activity.name} waits for something that is not an operation`)
  }
}
