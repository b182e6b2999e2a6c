// The operator's commands about files: what is stored, by kind and by user, and the move from one store to another. cli/tasks.ts calls them.
import type { StoreKind } from '../core/store-choice.ts'
import { readOwners } from '../db/statements/overview.ts'
import { uploaderOf } from '../engine/uploads.ts'
import { parseConfig } from '../providers/config.ts'
import { copyStore } from '../storage/copy.ts'
import { type Held, type Measured, measureStore } from '../storage/measure.ts'
import { openStoreOf } from '../storage/open.ts'
import type { Command } from './arguments.ts'
import { type Opened, withDatabase } from './open.ts'
import { megabytes, table } from './words.ts'

type Of<Name extends Command['name']> = Extract<Command, { name: Name }>

interface UserLine extends Held {
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

function sum(all: Iterable<Held>): Held {
  const total: Held = { files: 0, bytes: 0 }
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
  const lines = new Map<string | null, Held>()
  const add = (user: string | undefined, held: Held) =>
    lines.set(user ?? null, sum([lines.get(user ?? null) ?? sum([]), held]))
  for (const [id, held] of ofTasks) add(owners.get(id), held)
  for (const [uploader, held] of measured.get('uploads') ?? []) add(uploaders.get(uploader), held)
  return [...lines].map(([user_id, held]) => ({ user_id, ...held })).toSorted((one, other) => other.bytes - one.bytes)
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
  if (isJson) return JSON.stringify({ from, to, ...done }, null, 2)
  const known = done.known > 0 ? ` ${done.known} were there already.` : ''
  return `Copied ${done.copied} files (${megabytes(done.bytes)}) from ${from} to ${to}.${known}\nNothing was removed from ${from}. Set STORAGE=${to}, and copy once more for what came meanwhile.`
}
