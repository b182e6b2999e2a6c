// Replicate's list of an account's predictions, newest first: the lost are found in it, and many are checked in one request.
import type { Created, Listed, ListedSince, LostAttempt, Search } from '../../core/provider.ts'
import type { HttpResponse } from '../connection.ts'
import { readAnswer } from '../outcome.ts'
import { type Call, type ReplicatePrediction, readCreated, reasonOf } from './call.ts'

/** Clocks differ; markers and ids decide, so looking some minutes further back costs little. */
const skewMs = 5 * 60_000
/** 100 predictions a page. An account with more in the window gets no "none" from us. */
const maxPages = 30
/** Nor does a list that takes longer than this: the outcomes of others in the pass wait for it. */
const searchMs = 10_000

/**
 * Pages through the account's list from the attempt on for inputs that carry the attempt's marker. Found ones are given
 * oldest first: of doubles, the later is the one to be canceled.
 */
export async function search(call: Call, baseUrl: string, attempt: LostAttempt): Promise<Search> {
  const found: Created[] = []
  const orFound = (reason: string): Search =>
    found.length > 0 ? { kind: 'found', predictions: found } : { kind: 'unreachable', reason }
  let isUnclear = false
  for await (const page of pagesOf(call, baseUrl, attempt.submittedAt, searchMs)) {
    if ('reason' in page) return orFound(page.reason)
    for (const listed of page.results) {
      if (listed.input && attempt.isMarked(listed.input)) found.unshift(readCreated(listed) as Created)
      // The one that is searched for may be among what was made before.
      else if (isErased(listed, attempt)) isUnclear = true
    }
  }
  if (isUnclear) return orFound('inputs in the list are erased already')
  return found.length > 0 ? { kind: 'found', predictions: found } : { kind: 'none' }
}

/** Replicate erases inputs after an hour: such a prediction of the same model could be the one that is searched for. */
function isErased(listed: ReplicatePrediction, { request }: LostAttempt): boolean {
  const sameModel = request.version ? listed.version === request.version : listed.model === request.model
  return sameModel && (listed.data_removed === true || !listed.input || Object.keys(listed.input).length === 0)
}

/** A page is as long to transfer as some ten predictions: one that shows fewer of those asked for isn't worth the next. */
const leastPerPage = 10
/** No page is begun after this. What the list hasn't shown by then is asked for one by one. */
const listMs = 2_000

/** Of the predictions asked for, those that the list shows as running; as far as paging on is worth it. */
export async function listRunning(call: Call, baseUrl: string, { since, ids }: ListedSince): Promise<Listed> {
  const running = new Set<string>()
  for await (const page of pagesOf(call, baseUrl, since, listMs)) {
    if ('reason' in page) return { running, warning: page.reason }
    const asked = page.results.filter(({ id }) => ids.has(id))
    for (const { id, status } of asked) if (status === 'starting' || status === 'processing') running.add(id)
    if (asked.length < leastPerPage) break
  }
  return { running }
}

/** Many that were lost at once are searched for at once: a page that is on its way to one of them is not asked for again. */
export function sharePages(call: Call): Call {
  const underWay = new Map<string, Promise<HttpResponse>>()
  return (method, path) => {
    const page = underWay.get(path) ?? call(method, path).finally(() => underWay.delete(path))
    underWay.set(path, page)
    return page
  }
}

type Page = { results: ReplicatePrediction[] } | { reason: string }

/** Ends after the oldest since the instant, or with the reason why the list is not known any further. */
async function* pagesOf(call: Call, baseUrl: string, since: Date, patienceMs: number): AsyncGenerator<Page, void> {
  const started = performance.now()
  // By the minute, so that searches for what was lost at about the same time have their pages in common.
  const after = new Date(Math.floor((since.getTime() - skewMs) / 60_000) * 60_000).toISOString()
  let url: string | undefined = `/predictions?created_after=${encodeURIComponent(after)}`
  for (let pages = 0; url; pages += 1) {
    const page: Page & { next?: string | null } =
      pages === maxPages || performance.now() - started > patienceMs
        ? { reason: 'the list is too long' }
        : await readPage(call, url)
    yield page
    url = page.next ? new URL(page.next, baseUrl).href : undefined
    if (url && !isOwn(url, baseUrl)) return yield { reason: 'the list goes on at a foreign origin' }
  }
}

function readPage(call: Call, url: string): Promise<Page & { next?: string | null }> {
  return readAnswer(call('GET', url), (response) => {
    const { results, next = null } = (response.body ?? {}) as { results?: ReplicatePrediction[]; next?: string | null }
    if (response.status !== 200 || !Array.isArray(results)) return { reason: reasonOf(response) }
    return { results, next }
  })
}

/** The token goes to Replicate's own origin only, wherever a page says that the list goes on. */
const isOwn = (url: string, baseUrl: string): boolean => new URL(url).origin === new URL(baseUrl).origin
