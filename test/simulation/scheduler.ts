// Decides what happens next. Every statement, request and blob access of every function call is an operation that waits
// here until it is picked; it may then take effect and answer, take effect and fail, fail before, or find its caller dead.
import { setTimeout } from 'node:timers'
import { type Activity, type Fate, LoudFault, type Operation, type Timer } from './activity.ts'
import type { Random } from './random.ts'
import { currentCall } from './virtual-time.ts'

/** The platform's limit; a claim's lease is longer. */
const lifetimeMs = 60_000
/** How much longer than its caller a request may be under way before it reaches the provider. */
const lateMs = 60_000
/** Turns of the event loop in which the code between two operations has to run. */
const turns = 3
/** Then it can only be at work in a thread of Node's own (a signature is checked there): milliseconds, not turns. */
const patience = 10_000
const epoch = Date.UTC(2026, 0, 1)

export class Scheduler {
  nowMs = epoch
  faults = true
  statements = 0
  readonly trace: string[] = []
  readonly random: Random
  private readonly operations: Operation[] = []
  private readonly timers = new Set<Timer>()
  private readonly late: { at: number; label: string; run(): Promise<unknown> }[] = []
  private looks = 0
  private count = 0
  private last: Activity | undefined

  constructor(random: Random) {
    this.random = random
  }

  now = (): Date => new Date(this.nowMs)

  note(line: string): void {
    this.trace.push(`${((this.nowMs - epoch) / 1000).toFixed(1).padStart(8)}s  ${line}`)
  }

  /** Starts a function call and lets it run to its first operation. */
  async begin(name: string, body: (activity: Activity) => Promise<void>): Promise<Activity> {
    this.count += 1
    const activity: Activity = {
      name: `${name} #${this.count}`,
      bornAt: this.nowMs,
      pending: 0,
      state: 'alive',
      isHasty: false,
      lagMs: 0,
      elapsedMs: () => this.nowMs - activity.bornAt + activity.lagMs,
      later: (ms, fire) => this.later(activity, ms, fire),
    }
    this.note(`${activity.name} begins`)
    currentCall
      .run(activity, () => body(activity))
      .then(
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
  operate<T>(
    activity: Activity,
    part: Pick<Operation, 'label' | 'fates' | 'lasting' | 'run' | 'fail' | 'patienceMs' | 'isHeld'>,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (activity.state === 'killed') return
      activity.pending += 1
      const settled = { resolve: resolve as (value: unknown) => void, reject }
      this.operations.push({ ...part, ...settled, activity, begunAt: this.nowMs })
    })
  }

  /** When the clock has moved on by so much, if the call still lives. Gives what takes it back. */
  private later(activity: Activity, ms: number, fire: () => void): () => void {
    const timer: Timer = { activity, at: this.nowMs + ms, fire }
    if (activity.state !== 'killed') this.timers.add(timer)
    return () => void this.timers.delete(timer)
  }

  /** Until the clock has moved on by so much. */
  wait(activity: Activity, ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const takeBack = this.later(activity, ms, resolve)
      signal.addEventListener('abort', () => {
        takeBack()
        reject(signal.reason)
      })
    })
  }

  /** A look from outside, in the midst of a call. It takes real time, and none of the schedule's: nothing goes on meanwhile. */
  async look<T>(ask: () => Promise<T>): Promise<T> {
    this.looks += 1
    try {
      return await currentCall.exit(ask)
    } finally {
      this.looks -= 1
    }
  }

  /** This call overtakes those that are under way, and meets their work half done. */
  hurry(activity: Activity): void {
    activity.isHasty = true
    this.last = activity
  }

  /** Whether an operation of this kind waits for its turn. */
  isUnderWay(label: string): boolean {
    return this.operations.some((operation) => operation.label.startsWith(label))
  }

  /** Picks one waiting operation and its fate. False when none waits. */
  async step(): Promise<boolean> {
    const operation = this.draw()
    if (!operation) return false
    this.operations.splice(this.operations.indexOf(operation), 1)
    this.last = operation.activity
    const fates = this.faults ? operation.fates : operation.lasting
    const fate = fates ? this.random.weighted<Fate>({ done: 10, ...fates }) : 'done'
    await this.meet(operation, fate)
    return true
  }

  /** Often the call that ran last goes on: some overtake all others, which even draws would hardly ever show. */
  private draw(): Operation | undefined {
    const free = this.operations.filter(({ isHeld }) => !isHeld?.())
    const same = free.find(({ activity }) => activity === this.last)
    return same && this.random.chance(same.activity.isHasty ? 0.95 : 0.6)
      ? same
      : free[this.random.between(0, free.length - 1)]
  }

  /** What has been taken out of the queue meets its fate. */
  private async meet(operation: Operation, fate: Fate): Promise<void> {
    const { activity, label } = operation
    activity.pending -= 1
    this.note(`${activity.name}: ${label}${fate === 'done' ? '' : ` (${fate})`}`)
    if (fate === 'late') {
      this.late.push({ at: this.nowMs + this.random.between(1, lateMs), label, run: operation.run })
    } else if (fate === 'done' || fate.endsWith('after')) {
      const [value, error] = await operation.run().then(
        (value) => [value, undefined],
        (error) => [undefined, error],
      )
      if (error instanceof LoudFault) throw error
      if (fate === 'done') error === undefined ? operation.resolve(value) : operation.reject(error)
    }
    if (fate.startsWith('killed')) return this.kill(activity)
    if (fate !== 'done') operation.reject(operation.fail(fate))
    await this.settle(activity)
  }

  kill(activity: Activity): void {
    if (activity.state === 'killed') return
    // What a call leaves behind when it ends dies with its instance.
    if (activity.state === 'alive') this.note(`${activity.name} is killed`)
    activity.state = 'killed'
    for (let index = this.operations.length - 1; index >= 0; index -= 1) {
      if (this.operations[index]?.activity === activity) this.operations.splice(index, 1)
    }
    for (const timer of this.timers) if (timer.activity === activity) this.timers.delete(timer)
  }

  /**
   * Moves the clock, from one instant at which something ends to the next: requests on their way arrive, patience ends, answers
   * that were waited for don't come any more, and calls past the platform's limit end, some after a last effect.
   */
  async advance(ms: number): Promise<void> {
    const until = this.nowMs + ms
    let ends = 0
    for (let next = this.nextEnd(); next <= until; next = this.nextEnd()) {
      ends += 1
      if (ends > patience) throw new LoudFault('something ends again and again')
      this.nowMs = Math.max(this.nowMs, next)
      await this.endWhatIsOver()
    }
    this.nowMs = until
    this.note(`the clock has moved on by ${(ms / 1000).toFixed(1)} s`)
  }

  private nextEnd(): number {
    let next = Number.POSITIVE_INFINITY
    for (const { at } of this.late) next = Math.min(next, at)
    for (const { at } of this.timers) next = Math.min(next, at)
    for (const operation of this.operations) next = Math.min(next, endOfLife(operation), endOfPatience(operation))
    return next
  }

  private async endWhatIsOver(): Promise<void> {
    for (const request of this.late.filter(({ at }) => at <= this.nowMs)) {
      this.late.splice(this.late.indexOf(request), 1)
      this.note(`arrives late: ${request.label}`)
      await ignoreFailure(request.run()) // nobody is there any more to hear the answer
    }
    for (const operation of [...this.operations]) {
      if (endOfLife(operation) > this.nowMs || !this.operations.includes(operation)) continue
      if (this.random.chance(0.5)) await this.meetLast(operation)
      this.kill(operation.activity)
    }
    for (const timer of [...this.timers].filter(({ at }) => at <= this.nowMs)) {
      this.timers.delete(timer)
      this.note(`${timer.activity.name} has waited long enough`)
      timer.fire()
      await this.settle(timer.activity)
    }
    for (const operation of [...this.operations])
      if (endOfPatience(operation) <= this.nowMs) await this.giveUp(operation)
  }

  private async meetLast(operation: Operation): Promise<void> {
    this.note(`${operation.activity.name}: ${operation.label} (its last)`)
    await ignoreFailure(operation.run()) // dies with its caller
  }

  /** An answer that doesn't come in time is none, whatever the request has done by then. */
  private async giveUp(operation: Operation): Promise<void> {
    const index = this.operations.indexOf(operation)
    if (index < 0) return
    this.operations.splice(index, 1)
    const { 'failed after': after = 0, late = 0 } = operation.fates
    await this.meet(operation, this.random.weighted<Fate>({ 'failed before': 1, 'failed after': after, late }))
  }

  /** Lets the code between two operations run: it consists of resolved promises, and of a few turns of the loop. */
  private async settle(activity: Activity): Promise<void> {
    for (let turn = 0; turn < patience; turn += 1) {
      await new Promise((resolve) => (turn < 100 ? setImmediate(resolve) : setTimeout(resolve, 1)))
      if (turn < turns || this.looks > 0) continue
      if (activity.pending > 0 || activity.state !== 'alive') return
    }
    throw new LoudFault(`${activity.name} waits for something that is not an operation`)
  }
}

const endOfLife = ({ activity }: Operation) => activity.bornAt + lifetimeMs
const endOfPatience = ({ begunAt, patienceMs }: Operation) => begunAt + patienceMs

function ignoreFailure(work: Promise<unknown>): Promise<unknown> {
  return work.catch((error) => {
    if (error instanceof LoudFault) throw error
  })
}
