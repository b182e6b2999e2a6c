// A simulated provider as a function from Request to Response, with no socket and no timer of its own: what replicate/ and fal/ open
// with their protocol. server.ts puts it on a port; a simulation drives it in-process with its own clock, sleep and ids.

import { setTimeout } from 'node:timers/promises'
import type { FaultInput } from '../faults.ts'
import type { ExampleModel } from '../models/imitate.ts'
import { restore, save } from './save.ts'
import { createState, type Kind, type Options, type Protocol, type State } from './state.ts'
import { type Till, tillOf } from './till.ts'

/** What every simulated provider may be told. */
export interface Given {
  /** Where its own addresses point, without a trailing slash. */
  readonly baseUrl: string
  readonly secondsPerStep?: number | undefined
  readonly secondsPerTraining?: number | undefined
  readonly weightsBytes?: number | undefined
  readonly drawing?: boolean | undefined
  readonly now?: (() => Date) | undefined
  readonly newId?: (() => string) | undefined
  readonly sleep?: ((ms: number, signal: AbortSignal) => Promise<unknown>) | undefined
  /** Models that are imitated by an example of theirs, beside those whose schema is known. */
  readonly examples?: readonly ExampleModel[] | undefined
  /** Fetches the files that inputs name. */
  readonly fetchInput?: ((url: string) => Promise<Response>) | undefined
}

/** `own`: the settings that this provider alone has. */
export function optionsOf<Own extends object>(given: Given, newId: () => string, own: Own) {
  return {
    baseUrl: given.baseUrl,
    now: given.now ?? (() => new Date()),
    newId: given.newId ?? newId,
    sleep: given.sleep ?? ((ms: number, signal: AbortSignal) => setTimeout(ms, undefined, { signal })),
    fetchInput: given.fetchInput ?? ((url: string) => fetch(url)),
    settings: {
      seconds_per_step: given.secondsPerStep ?? 4,
      seconds_per_training: given.secondsPerTraining ?? 45,
      weights_bytes: given.weightsBytes ?? 24_000_000,
      rate_limit_per_minute: null,
      drawing: given.drawing ?? true,
      webhooks: true,
      ...own,
    },
  }
}

export interface Simulated<K extends Kind> {
  /** Throws ConnectionFault where a real connection would break, and the signal's reason where it would hang. */
  fetch(request: Request): Promise<Response>
  /** Takes out the webhooks that are due: each is to be sent, then reported. */
  dueWebhooks(now?: Date): Promise<K['delivery'][]>
  nextWebhookAt(): Date | null
  reportWebhook(delivery: K['delivery'], delivered: boolean): void
  addFaults(faults: readonly FaultInput[]): void
  /** The faults that nothing has met yet. */
  waitingFaults(): readonly FaultInput[]
  set(changes: { [Name in keyof K['settings']]?: K['settings'][Name] | undefined }): K['settings']
  till(): Till<K>
  /** Forgets jobs, faults and counts; settings are as at the start. */
  reset(): void
  /** All jobs, as JSON; what is restored goes on as if nothing had happened. */
  save(): unknown
  restore(saved: unknown): void
}

export function simulate<K extends Kind>(
  protocol: Protocol<K>,
  options: Options<K>,
  route: (state: State<K>, request: Request) => Promise<Response>,
): Simulated<K> {
  let state = createState(protocol, options)
  return {
    fetch: (request) => route(state, request),
    dueWebhooks: (now = options.now()) => state.outbox.due(now.getTime()),
    nextWebhookAt() {
      const at = state.outbox.nextAt()
      return at === null ? null : new Date(at)
    },
    reportWebhook: (delivery, delivered) => state.outbox.report(delivery, delivered, options.now().getTime()),
    addFaults: (faults) => state.faults.add(faults),
    waitingFaults: () => state.faults.waiting(),
    set(changes) {
      state.settings = protocol.settings.parse({ ...state.settings, ...changes })
      return { ...state.settings }
    },
    till: () => tillOf(state),
    reset() {
      state = createState(protocol, options)
    },
    save: () => save(state),
    restore: (saved) => restore(state, saved),
  }
}
