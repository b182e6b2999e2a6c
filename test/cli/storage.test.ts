// The operator's commands about files, as an operator runs them: on a folder and a bucket.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { v7 } from 'uuid'
import { afterAll, expect, test } from 'vitest'
import { parseCommand } from '../../cli/arguments.ts'
import { run as runTasks } from '../../cli/tasks.ts'
import { uploaderOf } from '../../engine/uploads.ts'
import { parseConfig } from '../../providers/config.ts'
import { openFiles } from '../../storage/files.ts'
import { openStoreOf } from '../../storage/open.ts'
import { createDatabase } from '../setup/database.ts'
import { insertTask, insertTasks, states } from '../setup/factory.ts'
import { startS3 } from '../setup/s3.ts'
import { bytesOf, chunksOf, png } from '../storage/setup.ts'
import { runHere } from './command.ts'

const folder = await mkdtemp(join(tmpdir(), 'stepgate-storage-'))
const [database, s3] = await Promise.all([createDatabase(), startS3(join(folder, 's3'))])
const { db } = await database.connect()
afterAll(async () => {
  await Promise.all([database.drop(), s3.stop()])
  await rm(folder, { recursive: true })
})
const { STORAGE: _, ...bucket } = s3.env
const env = { DATABASE_URL: database.url, STORAGE_DIR: join(folder, 'files'), ...bucket }
const open = (kind: string) => openStoreOf(parseConfig({ ...env, STORAGE: kind }))
const filesOf = (kind: string) => openFiles(open(kind)('files'))

async function runJson(...words: string[]): Promise<unknown> {
  const { code, out, err } = await runHere(runTasks, [...words, '--json'], env)
  expect([code, err]).toEqual([0, ''])
  return JSON.parse(out)
}

const mebi = 1024 * 1024
const image = { accept: ['image/png'], maxBytes: 64 * mebi }
const task = await insertTask(db, { ...states.completed, user_id: 'ada' })
const contents: Record<string, Buffer> = {
  [`results/${task.id}/1/p/0`]: png(9 * mebi),
  [`inputs/${task.id}/1`]: png(3_000),
  [`uploads/2026030100/${uploaderOf('ada')}/u`]: png(2_000),
  'results/00000000-0000-7000-8000-000000000000/1/p/0': png(1_000),
}
for (const [key, bytes] of Object.entries(contents)) await filesOf('folder').write(key, chunksOf(bytes), image)

test('storage tells what lies there, by kind and by user, and what is nobody’s', async () => {
  const told = (await runJson('storage')) as { users: { user_id: string | null; bytes: number }[] }
  expect(told).toMatchObject({ storage: 'folder', files: 4 })
  const [ada, nobody] = told.users
  expect([ada, nobody]).toMatchObject([
    { user_id: 'ada', files: 3 },
    { user_id: null, files: 1 },
  ])
  // On a disk each blob has a few bytes of metadata behind it.
  expect((ada?.bytes ?? 0) - (9 * mebi + 5_000)).toBeLessThan(2_000)
})

test('copy-storage brings every file into the other store, with the same tag, and nothing twice', async () => {
  const copied = { copied: 4, known: 0, bytes: 9 * mebi + 6_000, removed: 0 }
  expect(await runJson('copy-storage', '--from', 'folder', '--to', 's3')).toEqual({
    from: 'folder',
    to: 's3',
    ...copied,
  })
  for (const [key, bytes] of Object.entries(contents)) {
    const found = await filesOf('s3').read(key)
    expect(found?.file).toEqual(await filesOf('folder').stat(key))
    expect((await bytesOf(found?.body ?? null)).equals(bytes), key).toBe(true)
  }
  await filesOf('s3').remove(`inputs/${task.id}/1`)
  const again = await runJson('copy-storage', '--from', 'folder', '--to', 's3')
  expect(again).toMatchObject({ copied: 1, known: 3, bytes: 3_000 })
  const whole = await filesOf('s3').link(`results/${task.id}/1/p/0`, 60)
  expect((await (await fetch(whole ?? '')).arrayBuffer()).byteLength).toBe(9 * mebi)
})

test('what was erased between two copies is removed from the other store, and what is newer there stays', async () => {
  const id = v7({ msecs: Date.now() - 2 * 3_600_000 })
  const [erased, kept] = await insertTasks(db, [{ ...states.completed, id }, states.completed])
  const key = (id = '') => `results/${id}/1/p/0`
  for (const task of [erased, kept]) await filesOf('folder').write(key(task?.id), chunksOf(png(1_000)), image)
  await runJson('copy-storage', '--from', 'folder', '--to', 's3')
  // As passes erase: the row first, then the files of the store that they know.
  await sql`delete from tasks where id = ${erased?.id}`.execute(db)
  await filesOf('folder').clear(`results/${erased?.id}/`, 100)
  // Started since, on the other store: its row is still to come.
  const starting = v7()
  await filesOf('s3').write(`inputs/${starting}/0`, chunksOf(png(1_000)), image)
  await filesOf('folder').remove(key(kept?.id))
  expect(await runJson('copy-storage', '--from', 'folder', '--to', 's3')).toMatchObject({ removed: 1 })
  const there = await Promise.all([key(erased?.id), key(kept?.id), `inputs/${starting}/0`].map(filesOf('s3').stat))
  expect(there.map(Boolean)).toEqual([false, true, true])
})

test.each([
  ['copy-storage --from folder', /needs --to, one of netlify, s3, folder/],
  ['copy-storage --from ftp --to s3', /needs --from/],
  ['copy-storage --from s3 --to s3', /the same store/],
  ['storage --from s3', /--from belongs to copy-storage/],
])('%s is not understood', (words, fault) => {
  expect(() => parseCommand(words.split(' '))).toThrow(fault)
})
