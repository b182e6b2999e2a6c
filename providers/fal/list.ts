// fal's lists of an account, page after page. The lost are found in the list of requests; bill.ts reads the one of charges.
import type { Created, LostAttempt, Search } from '../../core/provider.ts'
import { parseJson } from '../answer.ts'
import type { HttpResponse } from '../connection.ts'
import { readAnswer } from '../outcome.ts'
import { builtUrls, type FalCall, type FalOptions } from './address.ts'
import { bodyOf, reasonOf } from './result.ts'

/** fal doesn't say which of a request's instants the filter means, and clocks differ; the marker decides anyway. */
const skewMs = 10 * 60_000
/** 100 requests a page. */
const maxPages = 30
/** A list that takes longer is not read on: the outcomes of others in the pass wait for it. */
const searchMs = 10_000

interface Listed {
  request_id?: unknown
  sent_at?: unknown
  json_input?: unknown
}

/** Pages through the endpoint's requests for inputs that carry the marker. Unfinished ones may not be listed: never a "no". */
export async function search({ apiUrl, queueUrl }: FalOptions, call: FalCall, attempt: LostAttempt): Promise<Search> {
  const { model } = attempt.request
  const start = new Date(attempt.submittedAt.getTime() - skewMs).toISOString()
  const found = new Map<string, Created & { sentAt: string }>()
  const orFound = (otherwise: Search) => (found.size > 0 ? oldestFirst([...found.values()]) : otherwise)
  const started = performance.now()
  let cursor: string | undefined
  for (let pages = 0; pages < maxPages && performance.now() - started <= searchMs; pages += 1) {
    const filter = { endpoint_id: model, start, expand: 'payloads', limit: '100', ...(cursor && { cursor }) }
    const url = `${apiUrl}/models/requests/by-endpoint?${new URLSearchParams(filter)}`
    const page = await readAnswer(call('GET', url), (response) => readPage<Listed>(response, 'items'))
    if (page.kind !== 'page') return orFound({ kind: 'unreachable', reason: page.reason })
    for (const { request_id: id, sent_at, json_input } of page.items) {
      if (typeof id !== 'string' || !attempt.isMarked(inputOf(json_input))) continue
      found.set(id, { prediction_id: id, urls: builtUrls(queueUrl, model, id), sentAt: String(sent_at) })
    }
    cursor = page.next
    if (!cursor) break
  }
  return orFound({ kind: 'unsure', reason: "fal's list may leave out requests that aren't over" })
}

/** The list comes newest first; the first to be sent is the one to adopt, the others are doubles. */
function oldestFirst(found: (Created & { sentAt: string })[]): Search {
  const sorted = found.toReversed().sort((one, other) => one.sentAt.localeCompare(other.sentAt))
  return { kind: 'found', predictions: sorted.map(({ sentAt: _, ...created }) => created) }
}

/** An object, or the text of one. */
function inputOf(listed: unknown): Record<string, unknown> {
  return bodyOf({ body: typeof listed === 'string' ? parseJson(listed) : listed })
}

/** One page of a list of the account's, and the cursor of the next one. */
export function readPage<Item>(response: HttpResponse, list: string) {
  const { [list]: items, next_cursor: cursor } = bodyOf(response)
  if (response.status !== 200 || !Array.isArray(items)) {
    const isRefused = response.status === 401 || response.status === 403
    return { kind: isRefused ? ('refused' as const) : ('unreachable' as const), reason: reasonOf(response) }
  }
  return { kind: 'page' as const, items: items as Item[], next: typeof cursor === 'string' ? cursor : '' }
}
