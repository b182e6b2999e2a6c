// A Replicate to try against: its HTTP over the life cycle of jobs/. server.ts puts it on a port; a simulation drives it in-process
// with its own clock, sleep and ids.

import { randomBytes } from 'node:crypto'
import { getFile } from '../jobs/files.ts'
import { type Given, optionsOf, type Simulated, simulate } from '../jobs/simulated.ts'
import { type KnownModels, knownModels } from '../models/known.ts'
import { json, notFound, unauthenticated } from './answers.ts'
import { createPrediction } from './create.ts'
import { answerFiles } from './input-files.ts'
import { getModel } from './models.ts'
import { type Delivery, protocolOf, type ReplicateKind, type State } from './protocol.ts'
import { cancelPrediction, getPrediction, listPredictions } from './read.ts'

export type { Delivery }
export type Replicate = Simulated<ReplicateKind>

export interface ReplicateOptions extends Given {
  readonly webhookSecret: string
  /** The one token that is accepted; any will do without it. */
  readonly token?: string | undefined
}

export function createReplicate(given: ReplicateOptions): Replicate {
  const models = knownModels('replicate', given.examples)
  const options = optionsOf(given, newId, { retention_seconds: 3600 })
  const protocol = protocolOf(given.webhookSecret, models)
  return simulate(protocol, options, (state, request) => route(state, request, given, models))
}

// Like Replicate's: 26 lower-case letters and digits.
const newId = () => Array.from(randomBytes(26), (byte) => (byte % 36).toString(36)).join('')

async function route(
  state: State,
  request: Request,
  { token, webhookSecret }: ReplicateOptions,
  models: KnownModels,
): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (pathname.startsWith('/files/') && (request.method === 'GET' || request.method === 'HEAD')) {
    state.requests.file += 1
    return getFile(state, request, pathname)
  }
  if (!isAuthorized(request, token)) return unauthenticated()
  const [, first, second, third, last, ...rest] = pathname.slice('/v1'.length).split('/')
  const isModel = `${request.method} ${first}` === 'GET models'
  if (!pathname.startsWith('/v1/') || rest.length > (isModel ? 1 : 0)) return notFound()
  if (isModel && third !== undefined) return getModel(models, `${second}/${third}`, last, rest[0])
  switch (`${request.method} ${first}`) {
    case 'POST predictions':
      if (second === undefined) return createPrediction(state, models, request)
      return third === 'cancel' && last === undefined ? cancelPrediction(state, request, second) : notFound()
    case 'GET predictions':
      if (second === undefined) return listPredictions(state, request)
      return third === undefined ? getPrediction(state, request, second) : notFound()
    case 'POST models':
      return last === 'predictions' ? createPrediction(state, models, request, `${second}/${third}`) : notFound()
    case 'POST files':
    case 'GET files':
    case 'DELETE files':
      return answerFiles(state, request, second, third)
    case 'GET account':
      return json({ type: 'user', username: 'simulator', name: 'Simulator', github_url: null })
    case 'GET webhooks':
      return `${second}/${third}/${last}` === 'default/secret/undefined' ? json({ key: webhookSecret }) : notFound()
    default:
      return notFound()
  }
}

function isAuthorized(request: Request, token: string | undefined): boolean {
  const [, given] = /^(?:Bearer|Token) (\S+)$/.exec(request.headers.get('authorization') ?? '') ?? []
  return given !== undefined && (token === undefined || given === token)
}
