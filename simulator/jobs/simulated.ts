// A simulated provider as a function from Request to Response, with no socket and no timer of its own: what replicate/ and fal/ open
// with their protocol. server.ts puts it on a port; a simulation drives it in-process with its own clock, sleep and ids.

import type { FaultInput } from '../faults.ts'
import { restore, save } from './save.ts'
import { createState, type Kind, type Options, type Protocol, type State } from './state.ts'
import { type Till, tillOf } from './till.ts'

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
