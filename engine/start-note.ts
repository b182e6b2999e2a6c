// A note in the store that a start is about to write files for a task. It goes once the task's row is there. What stays of a start that
// died between is found by it, and by nothing else: sweep.ts asks the database only about tasks that were to be written to it.
import { createHash } from 'node:crypto'
import type { Config } from '../core/config.ts'
import { hourOf } from '../core/upload.ts'
import { clockOf, type Deps } from './deps.ts'

/** A start takes a minute at most; the hour that is read from a note's name may be nearly over. */
const youngMs = 3_600_000
const nameLength = 'YYYYMMDDHH-'.length

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
export async function noteStart(deps: Needs, id: string, signal: AbortSignal): Promise<string> {
  const key = `${folderOf(deps.config)}${hourOf(clockOf(deps))}-${id}`
  await deps.files.write(key, note(), { accept: ['application/json'], maxBytes: 2, signal })
  return key
}

export interface StartNote {
  id: string
  key: string
}

/** The notes of starts that can't be under way any more. */
export async function readOldNotes(deps: Needs): Promise<StartNote[]> {
  const folder = folderOf(deps.config)
  const hour = hourOf(new Date(clockOf(deps).getTime() - youngMs))
  const keys = await deps.files.keys(folder)
  return keys.filter((key) => key < folder + hour).map((key) => ({ id: key.slice(folder.length + nameLength), key }))
}

/** Its name says all. */
async function* note() {
  yield Buffer.from('{}')
}
