// A fal to try against: its queue, list, keys and files over the life cycle of jobs/. server.ts puts it on a port; a simulation drives
// it in-process with its own clock, sleep and ids.

import { randomBytes, randomUUID } from 'node:crypto'
import { getFile } from '../jobs/files.ts'
import { type Given, optionsOf, type Simulated, simulate } from '../jobs/simulated.ts'
import { type KnownModels, knownModels } from '../models/known.ts'
import { falDocument } from '../models/openapi.ts'
import { deletePayloads, listCharges } from './account.ts'
import { json, notFound, unauthenticated } from './answers.ts'
import { type Delivery, type FalKind, protocolOf, type State } from './protocol.ts'
import { type Asked, cancelRequest, getResult, getStatus, listRequests } from './read.ts'
import { createKeys, type SigningKeys } from './signature.ts'
import { submitRequest } from './submit.ts'

export type { Delivery }
export type Fal = Simulated<FalKind>

/** `baseUrl` may have a path: queue, API, keys and files are under it. */
export interface FalOptions extends Given {
  /** The one key that is accepted; any will do without it. */
  readonly key?: string | undefined
  /** The webhooks' signing keys are made of it; random ones without it. */
  readonly signingSeed?: string | undefined
}

export function createFal(given: FalOptions): Fal {
  const keys = createKeys(given.signingSeed ?? randomBytes(32).toString('hex'))
  const models = knownModels('fal', given.examples)
  const options = optionsOf(given, randomUUID, {
    ...{ list_unfinished: false, response_suffix: false, is_admin: true },
    ...{ bill_after_seconds: 60, percent_discount: 0, signing_key: 0 },
  })
  return simulate(protocolOf(keys, models), options, (state, request) =>
    route(state, request, { key: given.key, keys, models }),
  )
}

interface Parts {
  readonly key: string | undefined
  readonly keys: SigningKeys
  readonly models: KnownModels
}

async function route(state: State, request: Request, { key, keys, models }: Parts): Promise<Response> {
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
  // With a key there would be more of them in a minute; none is needed.
  if (path === '/api/models' && method === 'GET') return listModels(models, request)
  if (!isAuthorized(request, key)) return unauthenticated()
  if (path === '/api/models/requests/by-endpoint' && method === 'GET') return listRequests(state, request)
  if (path === '/api/models/billing-events' && method === 'GET') return listCharges(state, request)
  const [, deleted] = /^\/api\/models\/requests\/([^/]+)\/payloads$/.exec(path) ?? []
  if (deleted !== undefined && method === 'DELETE') return deletePayloads(state, deleted)
  if (path.startsWith('/queue/')) return routeQueue(state, models, request, path.slice('/queue/'.length))
  return notFound('Path')
}

/** Endpoints by their ids; `expand=openapi-3.0` adds their documents. */
function listModels(models: KnownModels, request: Request): Response {
  const query = new URL(request.url).searchParams
  const asked = query.getAll('endpoint_id').flatMap((value) => value.split(','))
  const found = asked.flatMap((name) => models.schemaOf(name) ?? [])
  const isWhole = query.getAll('expand').includes('openapi-3.0')
  const shown = found.map((schema) => ({
    endpoint_id: schema.name,
    metadata: { display_name: schema.name, status: 'active' },
    ...(isWhole && { openapi: falDocument(schema) }),
  }))
  return json({ models: shown, next_cursor: null, has_more: false })
}

/** A request's own addresses have its app before `/requests/`; everything else names an endpoint to submit to. */
function routeQueue(state: State, models: KnownModels, request: Request, path: string): Promise<Response> | Response {
  const [, app, id, what = ''] = /^(.+)\/requests\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? []
  if (app === undefined || id === undefined) {
    return request.method === 'POST' ? submitRequest(state, models, request, path) : notFound('Path')
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
