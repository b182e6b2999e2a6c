// The seam to the providers: each request an operation of the scheduler, answered by the simulated provider in its present mood.

import { parseJson } from '../../providers/answer.ts'
import { HttpFailure, type HttpRequest, type HttpResponse, TooLate } from '../../providers/connection.ts'
import type { Http } from '../../providers/http.ts'
import type { Fate } from './activity.ts'
import { markSent } from './creates.ts'
import { download, emptyBody } from './outputs.ts'
import type { Providers } from './providers.ts'
import type { Receiver } from './receiver.ts'
import type { Scheduler } from './scheduler.ts'
import { requireCall } from './virtual-time.ts'
import { falUrl, receiverUrl, type Weather } from './weather.ts'
import type { Missing } from './witness.ts'

/** Creates may be lost, doubled in doubt, or answered by a fault; reads may fail in every way that means nothing. */
const createFates = { 'failed before': 0.6, 'failed after': 0.9, 'killed before': 0.3, 'killed after': 0.6, late: 0.4 }
const losingFates = { ...createFates, 'failed after': 15 }
const cancelFates = { 'failed before': 6, 'failed after': 1, 'killed before': 0.3, 'killed after': 0.3 }
/** A message may be taken and its answer lost, or come when nobody waits for it any more. */
const toldFates = { 'failed before': 1, 'failed after': 1, 'killed before': 0.4, 'killed after': 0.6, late: 0.5 }
const readFates = { 'failed before': 1, 'killed before': 0.2, 'killed after': 0.2 }

export interface HttpSeam {
  providers: Providers
  weather: Weather
  missing: Map<string, Missing>
  receiver: Receiver
}

export function openHttp(scheduler: Scheduler, seam: HttpSeam): Http {
  return {
    send: async (request) => {
      const kind = kindOf(request)
      const call = requireCall()
      if (request.mayBegin && !request.mayBegin()) throw new TooLate('not begun in time')
      const mark = markSent()
      return scheduler.operate(call, {
        label: `${request.method} ${new URL(request.url).pathname}`,
        fates: fatesOf(kind, seam.weather),
        patienceMs: request.timeoutMs,
        run: () => {
          if (kind === 'list' && seam.weather.list === 'slow') call.lagMs += slowMs
          return kind === 'told' ? seam.receiver.take(request) : exchange(scheduler, seam, { ...request, mark })
        },
        fail: (fate: Fate) => new HttpFailure(request, true, new Error(`connection ${fate}`)),
      })
    },
    download: (url, _signal, start = 0) => {
      const go = <T>(label: string, run: () => Promise<T>) =>
        scheduler.operate<T>(requireCall(), {
          label,
          fates: readFates,
          patienceMs: 30_000,
          run,
          fail: (fate) => new HttpFailure({ method: 'GET', url }, true, new Error(`download ${fate}`)),
        })
      return go('download of an output', async () => {
        if (!scheduler.random.chance(seam.weather.withholds)) {
          return download(seam, { url, start, goOn: (label) => go(label, nothing) })
        }
        scheduler.note('the file is not to be had now')
        return { status: 503, start: 0, total: undefined, body: emptyBody() }
      })
    },
    close: nothing,
  }
}

function fatesOf(kind: Kind, { losesCreates }: Weather): Partial<Record<Fate, number>> {
  if (kind === 'create') return losesCreates ? losingFates : createFates
  if (kind === 'told') return toldFates
  return kind === 'cancel' ? cancelFates : readFates
}

const nothing = async () => undefined

type Kind = 'create' | 'cancel' | 'list' | 'keys' | 'read' | 'told'

function kindOf({ method, url }: HttpRequest): Kind {
  const { pathname } = new URL(url)
  if (url === receiverUrl) return 'told'
  // To be told to delete is as safe to repeat as a cancel.
  if (method !== 'GET') return pathname.endsWith('/cancel') || method === 'DELETE' ? 'cancel' : 'create'
  if (pathname.endsWith('/jwks.json')) return 'keys'
  return /(\/v1\/predictions|\/by-endpoint)$/.test(pathname) ? 'list' : 'read'
}

/** Moods of a provider that is out of sorts. To creates: refusals, of which nothing comes, and answers that are lost or wrong. */
const createMoods = {
  ...{ well: 20, 429: 1, 402: 0.3, 401: 0.2, 422: 0.15, 'nobody there': 0.3 },
  ...{ '502 though created': 1, 'half of a 201': 1, 'two of one': 0.4 },
}
const doublingMoods = { ...createMoods, 'two of one': 10 }
const readMoods = { well: 40, 500: 1, 429: 1, 404: 1, 'unknown word': 1 }
const flickeringMoods = { ...readMoods, 404: 50 }
const otherMoods = { well: 30, 500: 1, 429: 1, 'unknown word': 1 }
const cancelMoods = { well: 20, 500: 1 }

/** Never a third 404 in a row: three mean that a prediction is lost. */
function moodOf(scheduler: Scheduler, { weather, missing }: HttpSeam, request: HttpRequest): string {
  const kind = kindOf(request)
  const isFlickering = weather.flickers && kind === 'read'
  if (!scheduler.faults && !isFlickering) return 'well'
  if (kind === 'create') return scheduler.random.weighted<string>(weather.doublesCreates ? doublingMoods : createMoods)
  if (kind === 'cancel') return scheduler.random.weighted<string>(cancelMoods)
  if (kind !== 'read') return scheduler.random.weighted<string>(otherMoods)
  const mood = scheduler.random.weighted<string>(isFlickering ? flickeringMoods : readMoods)
  const [, id = ''] = /\/(?:predictions|requests)\/([^/]+)/.exec(request.url) ?? []
  if (mood !== '404') return mood
  const { answered, told } = missing.get(id) ?? { answered: 0, told: 0 }
  if (answered >= 2) return 'well'
  missing.set(id, { answered: answered + 1, told })
  return mood
}

/** With the attempt whose create it is. */
type Sent = HttpRequest & { mark: string }

async function exchange(scheduler: Scheduler, seam: HttpSeam, request: Sent): Promise<HttpResponse> {
  const mood = moodOf(scheduler, seam, request)
  if (mood !== 'well') scheduler.note(`the provider's answer: ${mood}`)
  if (mood === 'nobody there') throw new HttpFailure(request, false, new Error('connection refused'))
  if (mood === '422') seam.providers.rejected.add(request.mark)
  if (/^\d+$/.test(mood)) return { status: Number(mood), headers: {}, body: grumble(mood, scheduler) }
  if (mood === 'unknown word') return oddly(request)
  const kind = kindOf(request)
  if (kind === 'list') return list(scheduler, seam, request)
  if (kind !== 'create') return forward(seam, request)
  const response = await create(seam, request)
  if (mood === 'two of one') {
    const { body } = await create(seam, request)
    seam.providers.doubles.set(idOf(body), idOf(response.body))
  }
  if (mood === '502 though created') return { status: 502, headers: {}, body: undefined }
  return mood === 'half of a 201' ? { ...response, body: undefined } : response
}

function grumble(mood: string, { random }: Scheduler): object {
  return { detail: 'out of sorts', ...(mood === '429' && random.chance(0.7) && { retry_after: random.between(1, 90) }) }
}

/** A word that nobody knows; of a result, which has no words, a body that breaks off. */
function oddly({ url }: HttpRequest): HttpResponse {
  const isResult = /\/requests\/[^/]+(\/response)?$/.test(new URL(url).pathname)
  return { status: 200, headers: {}, body: isResult ? undefined : { id: 'x', status: 'pausing', results: 'none' } }
}

/** A create, and which outcome awaits what it created. */
async function create(seam: HttpSeam, request: Sent): Promise<HttpResponse> {
  const { providers, weather } = seam
  const provider = request.url.startsWith(falUrl) ? providers.fal : providers.replicate
  const waiting = () => provider.waitingFaults().filter(({ on }) => on === 'outcome')
  // An account that keeps nothing: what is over is erased at once.
  if (weather.listsAlone === 'erased' && waiting().length === 0)
    provider.addFaults([{ on: 'outcome', fault: 'data_removed' }])
  const before = waiting()
  const response = await forward(seam, request)
  const id = idOf(response.body)
  if (id) providers.marks.set(id, request.mark)
  const [next] = before
  if (next && waiting().length < before.length) providers.outcomes.set(id, next.fault)
  return response
}

const idOf = (body: unknown): string => {
  const { id, request_id } = body as { id?: string; request_id?: string }
  return request_id ?? id ?? ''
}

const lagSeconds = 45
const slowMs = 11_000

/** In the schedule's weather. Replicate's pages are cut here, because the simulated ones are long; a slow list never ends. */
async function list(scheduler: Scheduler, seam: HttpSeam, request: HttpRequest) {
  const { weather, providers } = seam
  const isFal = request.url.startsWith(falUrl)
  if (weather.list === 'broken') return { status: 503, headers: {}, body: { detail: 'out of sorts' } }
  if (weather.list === 'lagging') {
    const provider = isFal ? providers.fal : providers.replicate
    provider.addFaults([{ on: 'list', fault: 'lag', seconds: lagSeconds }])
  }
  const size = weather.list === 'slow' ? 1 : weather.isPaged ? 2 : 100
  if (isFal) return forward(seam, { ...request, url: request.url.replace('limit=100', `limit=${size}`) })
  const response = await forward(seam, request)
  const body = response.body as { results?: { id: string }[]; next: string | null }
  if (size === 100 || !body.results) return response
  const results = body.results.slice(0, size)
  const isMore = weather.list === 'slow' || body.results.length > size
  scheduler.note(`a page of ${results.length}${isMore ? ', and more' : ''}`)
  return {
    ...response,
    body: { ...body, results, next: isMore ? nextPage(providers, request.url, results.at(-1)) : null },
  }
}

/** Cursors of the simulated list are places in the order of creation. */
function nextPage({ replicate }: Providers, url: string, last: { id: string } | undefined): string {
  const next = new URL(url)
  const place = replicate.till().predictions.findIndex(({ id }) => id === last?.id)
  next.searchParams.set('cursor', String(Math.max(place, 0)))
  return next.href
}

async function forward({ providers }: HttpSeam, { method, url, headers, body }: HttpRequest): Promise<HttpResponse> {
  const provider = url.startsWith(falUrl) ? providers.fal : providers.replicate
  const sent = { ...(headers && { headers }), ...(body !== undefined && { body: JSON.stringify(body) }) }
  const response = await provider.fetch(new Request(url, { method, ...sent }))
  const text = await response.text()
  return { status: response.status, headers: Object.fromEntries(response.headers), body: parseJson(text) }
}
