// A fal to try against: its queue, list, keys and files as a function from Request to Response, with no socket and no timer of
// its own. server.ts puts it on a port; a simulation drives it in-process with its own clock, sleep and ids.

import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { FaultInput } from '../faults.ts'
import { json, notFound, unauthenticated } from './answers.ts'
import { getFile } from './files.ts'
import { type Asked, cancelRequest, getResult, getStatus, listRequests } from './read.ts'
import { restore, save, savedSchema } from './save.ts'
import { createKeys } from './signature.ts'
import { createState, type Options, type Settings, type SettingsChange, type State, settingsSchema } from './state.ts'
import { submitRequest } from './submit.ts'
import { type Till, tillOf } from './till.ts'
import type { Delivery } from './webhooks.ts'

export type { Delivery }

export interface FalOptions {
  /** Where its own addresses point, without a trailing slash: `http://localhost:8899/fal`. Queue, API, keys and files are under it. */
  readonly baseUrl: string
  readonly key?: string | undefined
  /** The webhooks' signing keys are made of it; random ones without it. */
  readonly signingSeed?: string | undefined
  readonly secondsPerStep?: number | undefined
  readonly secondsPerTraining?: number | undefined
  readonly weightsBytes?: number | undefined
  readonly drawing?: boolean | undefined
  readonly now?: (() => Date) | undefined
  readonly newId?: (() => string) | undefined
  readonly sleep?: ((ms: number, signal: AbortSignal) => Promise<unknown>) | undefined
  /** Fetches the archives that inputs name. */
  readonly fetchInput?: ((url: string) => Promise<Response>) | undefined
}

export interface Fal {
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
  /** Forgets requests, faults and counts; settings are as at the start. */
  reset(): void
  /** All requests, as JSON; what is restored goes on as if nothing had happened. */
  save(): unknown
  restore(saved: unknown): void
}

const defaultWeightsBytes = 24_000_000

export function createFal(given: FalOptions): Fal {
  const options: Options = {
    baseUrl: given.baseUrl,
    key: given.key,
    keys: createKeys(given.signingSeed ?? randomBytes(32).toString('hex')),
    now: given.now ?? (() => new Date()),
    newId: given.newId ?? randomUUID,
    sleep: given.sleep ?? ((ms, signal) => setTimeout(ms, undefined, { signal })),
    fetchInput: given.fetchInput ?? ((url) => fetch(url)),
    settings: {
      seconds_per_step: given.secondsPerStep ?? 4,
      seconds_per_training: given.secondsPerTraining ?? 45,
      weights_bytes: given.weightsBytes ?? defaultWeightsBytes,
      rate_limit_per_minute: null,
      drawing: given.drawing ?? true,
      webhooks: true,
      list_unfinished: false,
      response_suffix: false,
      signing_key: 0,
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

async function route(state: State, request: Request): Promise<Response> {
  const path = new URL(request.url).pathname.slice(new URL(state.options.baseUrl).pathname.replace(/\/$/, '').length)
  const { method } = request
  if (path.startsWith('/files/') && (method === 'GET' || method === 'HEAD')) return getFile(state, request, path)
  if (path === '/jwks.json' && method === 'GET') {
    state.counts.jwks += 1
    return json(state.options.keys.jwks(state.settings.signing_key))
  }
  if (!isAuthorized(request, state.options.key)) return unauthenticated()
  if (path === '/api/models/requests/by-endpoint' && method === 'GET') return listRequests(state, request)
  if (path.startsWith('/queue/')) return routeQueue(state, request, path.slice('/queue/'.length))
  return notFound('Path')
}

/** A request's own addresses have its app before `/requests/`; everything else names an endpoint to submit to. */
function routeQueue(state: State, request: Request, path: string): Promise<Response> | Response {
  const [, app, id, what = ''] = /^(.+)\/requests\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? []
  if (app === undefined || id === undefined) {
    return request.method === 'POST' ? submitRequest(state, request, path) : notFound('Path')
  }
  const asked: Asked = { request, app, id }
  switch (`${request.method} ${what}`) {
    case 'GET status':
      return getStatus(state, asked)
    case 'GET ':
    case 'GET response':
      return getResult(state, asked)
    case 'PUT cancel':
      return cancelRequest(state, asked)
    default:
      return notFound('Path')
  }
}

function isAuthorized(request: Request, key: string | undefined): boolean {
  const [, given] = /^Key (\S+)$/.exec(request.headers.get('authorization') ?? '') ?? []
  return given !== undefined && (key === undefined || given === key)
}
