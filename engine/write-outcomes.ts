// What a round learns, and how it reaches the table: gathered, and written in one statement a kind, for 1 task and for 200.
// What is known of money spent is written early: nobody else knows it.
import type { LookOutcome, SubmissionOutcome } from '../core/decide.ts'
import { withoutBytes } from '../core/output-address.ts'
import type { Statement } from '../db/driver/batches.ts'
import { recordLooks, recordStored, type StoredOutcome } from '../db/statements/record-results.ts'
import { recordStrays, type StrayOutcome } from '../db/statements/record-strays.ts'
import { recordSubmissions } from '../db/statements/record-submissions.ts'
import type { Moved, Told } from '../db/statements/sql.ts'
import type { Deps } from './deps.ts'
import type { Causing } from './journal.ts'
import { endsWithin, raiseAnyway } from './wake.ts'

export interface News {
  submissions: Told<SubmissionOutcome>[]
  /** Further predictions of one attempt (a provider's own double): recorded after the first, to be canceled. */
  doubles: Told<SubmissionOutcome>[]
  looks: Told<LookOutcome & { prediction_id: string }>[]
  stored: Told<StoredOutcome>[]
  strays: StrayOutcome[]
}

export const noNews = (): News => ({ submissions: [], doubles: [], looks: [], stored: [], strays: [] })

/** What was told, and what it moved. */
export interface Written {
  looks: News['looks']
  moves: Moved[]
}

/** Longer than answers usually take: then a round's news is one statement a kind, for 1 task and for 200. */
const flushMs = 8_000

/**
 * Writes the news when all work is done; and every few seconds before, so that what is known of money spent doesn't wait for
 * the slowest neighbour, nor die with it.
 */
export async function writeWhile(
  work: Promise<unknown>,
  deps: Deps,
  causing: () => Causing,
  news: News,
): Promise<Written> {
  const written: Written = { looks: [], moves: [] }
  for (let isDone = false; !isDone; ) {
    isDone = await endsWithin(deps, flushMs, work)
    const taken = { ...news }
    Object.assign(news, noNews())
    try {
      written.moves.push(...(await writeNews(deps, causing, taken)))
      written.looks.push(...taken.looks)
    } catch (error) {
      if (isDone) throw error
      deps.log.error({ err: error }, 'news could not be written yet')
      putBack(news, taken)
    }
  }
  return written
}

/** What is fenced may be told again, together with what comes after it. A look would count its 404 twice; it is made again. */
function putBack(news: News, { submissions, doubles, stored }: News): void {
  news.submissions.unshift(...submissions)
  news.doubles.unshift(...doubles)
  news.stored.unshift(...stored)
}

async function writeNews(deps: Deps, causing: () => Causing, news: News): Promise<Moved[]> {
  // News may make something due sooner than another pass, which saw nothing to do, has told the wake mark.
  if (Object.values(news).some((told) => told.length > 0)) await raiseAnyway(deps)
  const submitted = await write(deps, causing, news.submissions, recordSubmissions)
  for (const double of news.doubles) submitted.push(...(await write(deps, causing, [double], recordSubmissions)))
  const looked = await write(deps, causing, news.looks.map(withoutFiles), recordLooks)
  const stored = await write(deps, causing, news.stored, recordStored)
  if (news.strays.length > 0) await recordStrays(deps.db, news.strays, causing())
  return [...submitted, ...looked, ...stored]
}

async function write<Outcome>(
  deps: Deps,
  causing: () => Causing,
  told: Told<Outcome>[],
  record: Statement<Told<Outcome>, Moved>,
): Promise<Moved[]> {
  return told.length === 0 ? [] : record(deps.db, told, causing())
}

/** What a provider sends inside its answer is copied by this pass, or asked for again: rows and statements stay small. */
function withoutFiles<T extends LookOutcome>(look: T): T {
  return look.kind === 'succeeded' ? { ...look, output: look.output.map(withoutBytes) } : look
}
