// A note in the store that a start is about to write files for a task. It goes once the task's row is there. What stays of a start that
// died between is found by it, and by nothing else: sweep.ts asks the database only about tasks that were to be written to it.
import { createHash } from 'node:crypto'
import type { Config } from '../core/config.ts'
import { hourOf } from '../core/upload.ts'
import { clockOf, type Deps } from './deps.ts'

/** A start takes a minute at most; the hour that is read from a note's name may be nearly over. */
const youngMs = 3_600_000
const nameLength = 'YYYYMMDDHH-'.length
const missed = '-missing'
/** Its name says all. */
const content = Buffer.from('{}')

/**
 * A folder for each database: a preview deploy shares the store with production, and perhaps not the database. Without the port, which
 * is another one each time where Postgres is started beside the app, and without what Neon adds for its pooler.
 */
function folderOf({ DATABASE_URL = '' }: Pick<Config, 'DATABASE_URL'>): string {
  const url = URL.parse(DATABASE_URL)
  const database = url ? url.hostname.replace('-pooler.', '.') + url.pathname : DATABASE_URL
  return `starts/${createHash('sha256').update(database).digest('hex').slice(0, 16)}/`
}

type Needs = Pick<Deps, 'config' | 'files' | 'now'>

/** Gives the note's key, for `files.remove`. */
export function noteStart(deps: Needs, id: string, signal: AbortSignal): Promise<string> {
  return write(deps, clockOf(deps), id, { signal })
}

/** Notes a start anew whose note was old at this instant, and whose task was missing. */
export async function noteMissing(deps: Needs, at: Date, id: string): Promise<void> {
  await write(deps, at, `${id}${missed}`)
}

async function write(deps: Needs, at: Date, name: string, how: { signal?: AbortSignal } = {}): Promise<string> {
  const key = `${folderOf(deps.config)}${hourOf(at)}-${name}`
  await deps.files.write(key, [content], { accept: ['application/json'], maxBytes: 2, ...how })
  return key
}

export interface StartNote {
  id: string
  key: string
  /** A sweep has missed the task before, an hour ago or more. */
  wasMissing: boolean
}

/**
 * The notes of starts that can't be under way any more at this instant, by the clock of whoever wrote them. That may have been hours back: so
 * what a first note says is believed when a sweep's own note has become old as well.
 */
export async function readOldNotes(deps: Needs, at: Date): Promise<StartNote[]> {
  const folder = folderOf(deps.config)
  const hour = hourOf(new Date(at.getTime() - youngMs))
  const keys = await deps.files.keys(folder)
  return keys
    .filter((key) => key < folder + hour)
    .map((key) => {
      const name = key.slice(folder.length + nameLength)
      return { id: name.replace(missed, ''), key, wasMissing: name.endsWith(missed) }
    })
}
