// A fal to try against: its queue, list, keys and files over the life cycle of jobs/. server.ts puts it on a port; a simulation drives
// it in-process with its own clock, sleep and ids.

import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { getFile } from '../jobs/files.ts'
import { type Simulated, simulate } from '../jobs/simulated.ts'
import type { Options } from '../jobs/state.ts'
import { json, notFound, unauthenticated } from './answers.ts'
import { type Delivery, type FalKind, protocolOf, type State } from './protocol.ts'
import { type Asked, cancelRequest, getResult, getStatus, listRequests } from './read.ts'
import { createKeys, type SigningKeys } from './signature.ts'
import { submitRequest } from './submit.ts'

export type { Delivery }
export type Fal = Simulated<FalKind>

export interface FalOptions {
  /** Where its own addresses point, without a trailing slash: `http://localhost:8899/fal`. Queue, API, keys and files are under it. */
  readonly baseUrl: string
  /** The one key that is accepted; any will do without it. */
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
  /** Fetches the files that inputs name. */
  readonly fetchInput?: ((url: string) => Promise<Response>) | undefined
}

export function createFal(given: FalOptions): Fal {
  const keys = createKeys(given.signingSeed ?? randomBytes(32).toString('hex'))
  const options: Options<FalKind> = {
    baseUrl: given.baseUrl,
    now: given.now ?? (() => new Date()),
    newId: given.newId ?? randomUUID,
    sleep: given.sleep ?? ((ms, signal) => setTimeout(ms, undefined, { signal })),
    fetchInput: given.fetchInput ?? ((url) => fetch(url)),
    settings: {
      seconds_per_step: given.secondsPerStep ?? 4,
      seconds_per_training: given.secondsPerTraining ?? 45,
      weights_bytes: given.weightsBytes ?? 24_000_000,
      rate_limit_per_minute: null,
      drawing: given.drawing ?? true,
      webhooks: true,
      list_unfinished: false,
      response_suffix: false,
      signing_key: 0,
    },
  }
  return simulate(protocolOf(keys), options, (state, request) => route(state, request, given.key, keys))
}

async function route(state: State, request: Request, key: string | undefined, keys: SigningKeys): Promise<Response> {
  const path = new URL(request.url).pathname.slice(new URL(state.options.baseUrl).pathname.replace(/\/$/, '').length)
  const { method } = request
  if (path.startsWith('/files/') && (method === 'GET' || method === 'HEAD')) {
    state.requests.file += 1
    return getFile(state, request, path)
  }
  if (path === '/jwks.json' && method === 'GET') {
    state.requests.jwks += 1
    return json(keys.jwks(state.settings.signing_key))
  }
  if (!isAuthorized(request, key)) return unauthenticated()
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
