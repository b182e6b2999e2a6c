// A Replicate to try against: its HTTP as a function from Request to Response, with no socket and no timer of its own.
// server.ts puts it on a port; a simulation drives it in-process with its own clock, sleep and ids.

import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { FaultInput } from '../faults.ts'
import { json, notFound, unauthenticated } from './answers.ts'
import { createPrediction } from './create.ts'
import { getFile } from './files.ts'
import { answerFiles } from './input-files.ts'
import { cancelPrediction, getPrediction, listPredictions } from './read.ts'
import { restore, save, savedSchema } from './save.ts'
import { createState, type Options, type Settings, type SettingsChange, type State, settingsSchema } from './state.ts'
import { type Till, tillOf } from './till.ts'
import type { Delivery } from './webhooks.ts'

export type { Delivery }

export interface ReplicateOptions {
  /** Where its own addresses point, without a trailing slash: `http://localhost:8899`. */
  readonly baseUrl: string
  readonly webhookSecret: string
  readonly token?: string | undefined
  readonly secondsPerStep?: number | undefined
  readonly drawing?: boolean | undefined
  readonly now?: (() => Date) | undefined
  readonly newId?: (() => string) | undefined
  readonly sleep?: ((ms: number, signal: AbortSignal) => Promise<unknown>) | undefined
  /** Fetches the images that inputs name. */
  readonly fetchInput?: ((url: string) => Promise<Response>) | undefined
}

export interface Replicate {
  /** Throws ConnectionFault where a real connection would break, and the signal's reason where it would hang. */
  fetch(request: Request): Promise<Response>
  /** Takes out the webhooks that are due: each is to be sent, then reported. */
  dueWebhooks(now?: Date): Promise<Delivery[]>
  nextWebhookAt(): Date | null
  reportWebhook(delivery: Delivery, delivered: boolean): void
  addFaults(faults: readonly FaultInput[]): void
  /** The faults that nothing has met yet. */
  waitingFaults(): readonly FaultInput[]
  set(changes: SettingsChange): Settings
  till(): Till
  /** Forgets predictions, faults and counts; settings are as at the start. */
  reset(): void
  /** All predictions, as JSON; what is restored goes on as if nothing had happened. */
  save(): unknown
  restore(saved: unknown): void
}

export function createReplicate(given: ReplicateOptions): Replicate {
  const options: Options = {
    baseUrl: given.baseUrl,
    token: given.token,
    webhookSecret: given.webhookSecret,
    now: given.now ?? (() => new Date()),
    newId: given.newId ?? newId,
    sleep: given.sleep ?? ((ms, signal) => setTimeout(ms, undefined, { signal })),
    fetchInput: given.fetchInput ?? ((url) => fetch(url)),
    settings: {
      seconds_per_step: given.secondsPerStep ?? 4,
      retention_seconds: 3600,
      rate_limit_per_minute: null,
      drawing: given.drawing ?? true,
      webhooks: true,
    },
  }
  let state = createState(options)
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
      state.settings = settingsSchema.parse({ ...state.settings, ...changes })
      return { ...state.settings }
    },
    till: () => tillOf(state),
    reset() {
      state = createState(options)
    },
    save: () => save(state),
    restore: (saved) => restore(state, savedSchema.parse(saved)),
  }
}

// Like Replicate's: 26 lower-case letters and digits.
const newId = () => Array.from(randomBytes(26), (byte) => (byte % 36).toString(36)).join('')

async function route(state: State, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (pathname.startsWith('/files/') && request.method === 'GET') return getFile(state, request, pathname)
  if (!isAuthorized(request, state.options.token)) return unauthenticated()
  const [, first, second, third, last, ...rest] = pathname.slice('/v1'.length).split('/')
  if (!pathname.startsWith('/v1/') || rest.length > 0) return notFound()
  switch (`${request.method} ${first}`) {
    case 'POST predictions':
      if (second === undefined) return createPrediction(state, request)
      return third === 'cancel' && last === undefined ? cancelPrediction(state, request, second) : notFound()
    case 'GET predictions':
      if (second === undefined) return listPredictions(state, request)
      return third === undefined ? getPrediction(state, request, second) : notFound()
    case 'POST models':
      return last === 'predictions' ? createPrediction(state, request, `${second}/${third}`) : notFound()
    case 'POST files':
    case 'GET files':
    case 'DELETE files':
      return answerFiles(state, request, second, third)
    case 'GET account':
      return json({ type: 'user', username: 'simulator', name: 'Simulator', github_url: null })
    case 'GET webhooks':
      return `${second}/${third}/${last}` === 'default/secret/undefined'
        ? json({ key: state.options.webhookSecret })
        : notFound()
    default:
      return notFound()
  }
}

function isAuthorized(request: Request, token: string | undefined): boolean {
  const [, given] = /^(?:Bearer|Token) (\S+)$/.exec(request.headers.get('authorization') ?? '') ?? []
  return given !== undefined && (token === undefined || given === token)
}
