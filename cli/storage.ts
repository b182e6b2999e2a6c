// The operator's commands about files: what is stored, by kind and by user, and the move from one store to another. cli/tasks.ts calls them.
import type { StoreKind } from '../core/store-choice.ts'
import { readOwners } from '../db/statements/overview.ts'
import { uploaderOf } from '../engine/uploads.ts'
import { parseConfig } from '../providers/config.ts'
import { copyStore } from '../storage/copy.ts'
import { mostParts, openFiles } from '../storage/files.ts'
import { type Amount, type Measured, measureStore } from '../storage/measure.ts'
import { openStoreOf } from '../storage/open.ts'
import type { OpenStore } from '../storage/store.ts'
import type { Of } from './arguments.ts'
import { type Opened, withDatabase } from './open.ts'
import { megabytes, table } from './words.ts'

interface UserLine extends Amount {
  user_id: string | null
}

/** In the table for people. */
const mostUsers = 50

export async function storage({ isJson }: Of<'storage'>): Promise<string> {
  return withDatabase(async ({ db, config }) => {
    const measured = await measureStore(openStoreOf(config)('files'))
    const kinds = [...measured].map(([kind, owners]) => ({ kind, ...sum(owners.values()) }))
    const users = await byUser(db, measured)
    const all = sum(kinds)
    if (isJson) return JSON.stringify({ storage: config.STORAGE, ...all, kinds, users }, null, 2)
    if (all.bytes === 0) return 'Nothing is stored.'
    const shown = users.slice(0, mostUsers)
    return [
      table(
        ['kind', 'files', 'size'],
        [...kinds, { kind: 'all', ...all }].map(({ kind, files, bytes }) => [kind, files, megabytes(bytes)]),
      ),
      table(
        ['user', 'files', 'size'],
        shown.map(({ user_id, files, bytes }) => [user_id ?? 'not known', files, megabytes(bytes)]),
      ),
      ...(users.length > mostUsers ? [`${users.length - mostUsers} more users have less.`] : []),
    ].join('\n\n')
  })
}

function sum(all: Iterable<Amount>): Amount {
  const total: Amount = { files: 0, bytes: 0 }
  for (const { files, bytes } of all) {
    total.files += files
    total.bytes += bytes
  }
  return total
}

/** The largest first. What no task in the database owns, and uploads of users without a task, are nobody's. */
async function byUser(db: Opened['db'], measured: Measured): Promise<UserLine[]> {
  const ofTasks = ['results', 'inputs'].flatMap((kind) => [...(measured.get(kind) ?? [])])
  const owners = await readOwners(db, [...new Set(ofTasks.map(([id]) => id))])
  const uploaders = new Map([...new Set(owners.values())].map((user) => [uploaderOf(user), user]))
  const lines = new Map<string | null, Amount>()
  const add = (user: string | undefined, amount: Amount) =>
    lines.set(user ?? null, sum([lines.get(user ?? null) ?? sum([]), amount]))
  for (const [id, amount] of ofTasks) add(owners.get(id), amount)
  for (const [uploader, amount] of measured.get('uploads') ?? []) add(uploaders.get(uploader), amount)
  return [...lines]
    .map(([user_id, amount]) => ({ user_id, ...amount }))
    .toSorted((one, other) => other.bytes - one.bytes)
}

export async function copyStorage({ from, to, isJson }: Of<'copy-storage'>): Promise<string> {
  const open = (kind: StoreKind) => openStoreOf(parseConfig({ ...process.env, STORAGE: kind }))
  const [source, target] = [open(from), open(to)]
  const beat = isJson
    ? () => undefined
    : ({ copied, known }: { copied: number; known: number }) => {
        if ((copied + known) % 100 === 0) console.error(`${copied + known} files so far`)
      }
  const done = await copyStore(source, target, beat)
  const removed = await withDatabase(({ db }) => removeErased(db, source, target))
  if (isJson) return JSON.stringify({ from, to, ...done, removed }, null, 2)
  const known = done.known > 0 ? ` ${done.known} were there already.` : ''
  const gone = removed > 0 ? `\nOf ${removed} tasks that were erased meanwhile the copies were removed from ${to}.` : ''
  return `Copied ${done.copied} files (${megabytes(done.bytes)}) from ${from} to ${to}.${known}${gone}\nNothing was removed from ${from}. Set STORAGE=${to}, and copy once more for what came meanwhile.`
}

/** A start keeps its inputs before it writes its row. */
const startMs = 3_600_000

/**
 * What was erased since the last copy has a copy that would stay for good: nothing knows of it any more. A task is erased where its row is gone
 * from the database and its files from the old store. A database that knows none of the tasks is another deployment's, and says nothing.
 */
async function removeErased(db: Opened['db'], from: OpenStore, to: OpenStore): Promise<number> {
  const [before, copied] = await Promise.all([tasksIn(from), tasksIn(to)])
  const owners = await readOwners(db, [...copied])
  if (owners.size === 0) return 0
  const erased = [...copied].filter((id) => !owners.has(id) && !before.has(id) && Date.now() - startedAt(id) > startMs)
  const files = openFiles(to('files'))
  for (const id of erased) {
    for (const folder of foldersOf(id)) while ((await files.clear(folder, mostParts)) === mostParts);
  }
  return erased.length
}

const foldersOf = (id: string) => [`results/${id}/`, `inputs/${id}/`]

/** The tasks whose results or inputs lie in a store. */
async function tasksIn(store: OpenStore): Promise<Set<string>> {
  const ids = new Set<string>()
  for (const prefix of ['results/', 'inputs/']) {
    for await (const { blobs } of store('files').list({ prefix })) {
      for (const { key } of blobs) ids.add(key.split('/')[1] ?? '')
    }
  }
  return ids
}

/** Ids begin with their instant; what is no task's id began just now. */
function startedAt(id: string): number {
  const [, high, low] = /^([\da-f]{8})-([\da-f]{4})-7/.exec(id) ?? []
  return high && low ? Number.parseInt(high + low, 16) : Date.now()
}
