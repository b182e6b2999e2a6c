// What has landed stays: the migrations' files never change, and a database of today's, with work in flight, takes every later one and goes on.
import { createHash } from 'node:crypto'
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Task } from '../../core/task.ts'
import type { Connection } from '../../db/driver/connect.ts'
import { listMigrations, migrate } from '../../db/migrate.ts'
import { claimDue } from '../../db/statements/claim.ts'
import { recordChecks, recordStored } from '../../db/statements/record-results.ts'
import { recordSubmissions } from '../../db/statements/record-submissions.ts'
import { cancelTask, continueTask, redoTask } from '../../db/statements/user-moves.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'
import { later, type Row, tryOnTerms } from '../setup/factory.ts'
import { attemptOf } from './setup.ts'

/** A migration's line is added in the commit that lands it, and never changed: what is wrong in one, the next one mends. */
const landed: Record<string, string> = {
  '0001_tasks': '4756fc5ab1766b9c6e0671dcd3704e9e55439aa6a4c5f9a34fd3a806d81f6174',
  '0002_history': '741bbc3d13893a9088b234f6cf74de7ee925553b602a94b3b8b6b30bcb663115',
  '0003_forgotten': '134b77001e2e365e061ac3d74a9fbfca3ceb402b8c1b7b92803af10f900864d5',
  '0004_checks': '28e82c831c5199ced393b4f8d3d4c257447cd5b926888a1cb1b4dec6ab6ada2f',
  '0005_users': '0abd36922cee90f046926e4f118680f5bf597b7019894e6d72f778d56c2f4418',
  '0006_money': '3cc0cebe703e6c1f4b6a1d460353a66cee95e394d7f18b37ec323878fab595a3',
  '0007_gate': '8b7111f6bbbc21f66bd3472a63a46d787d03bf8d9fc61ed9dfcac456fe5f34ff',
  '0008_outbox': 'bd053b460d3e3eadfa549fde99d04249be25a1a0eb5ac0a2e1bd8bd4ab68fa11',
  '0009_erasing': '07f55cea2c6d9516ddecb5f9c2cab1634077decd6e7c3da69b915b2e0be69f99',
  '0011_telegram': 'a9a05563dc13c5a8aa16995b70a5dd0e1e222d42ee2702738c525aeb7ad32282',
  '0012_told': '17fe3d74ef318a8ed2ceb927a6c058eaf1360d95e4a076eba232496fbe34674c',
  '0013_bills': '9af27438cdb6bf0026a17c765d2f93f94a401e8a0be6461482e6f0dcb8c00afe',
  '0014_sign_in': '913ec11a75daf82c935547dbe6bac70295fb2bb666e885dd0e3263330b668439',
  '0015_searches': '98d5066dabc7d3966ce125408ca908537c114cdd4f1ad8861fc934eddc7d4ec0',
}
const fixtureOf = ['0001_tasks', '0002_history', '0003_forgotten']

const migrationsFolder = join(import.meta.dirname, '..', '..', 'db', 'migrations')
const now = new Date('2026-03-01T12:00:00.000Z')

let folder: string
let database: TestDatabase
let db: Connection['db']
let before: Row[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stepgate-landed-'))
  await Promise.all(
    fixtureOf.map((name) => copyFile(join(migrationsFolder, `${name}.sql`), join(folder, `${name}.sql`))),
  )
  database = await createDatabase()
  db = (await database.connect()).db
  await sql`drop schema public cascade`.execute(db)
  await sql`create schema public`.execute(db)
  await migrate(database.url, folder)
  const fixture = await readFile(join(import.meta.dirname, 'fixtures', '0003_in_flight.sql'), 'utf8')
  await sql.raw(fixture).execute(db)
  before = (await readAll()).map(prefixed)
  await migrate(database.url)
})
afterAll(async () => {
  await database.drop()
  await rm(folder, { recursive: true })
})

/** What 0005 does: none of the fixture's users is anonymous, whose ids are UUIDs. */
const prefixed = (row: Row): Row => ({
  ...row,
  user_id: `auth:${row.user_id}`,
  lock_key: row.lock_key?.replace(` ${row.user_id}`, ` auth:${row.user_id}`) ?? null,
})

async function readAll(): Promise<Row[]> {
  return (await sql<Row>`select * from tasks order by id`.execute(db)).rows
}

test('a landed migration is the file that it was when it landed', async () => {
  const names = await listMigrations()
  const digests = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(migrationsFolder, `${name}.sql`))
      return [name, createHash('sha256').update(text).digest('hex')]
    }),
  )
  expect(Object.fromEntries(digests)).toEqual(landed)
})

test('the fixture has a task in every status and phase', () => {
  const states = new Set(before.map(({ status, phase }) => (phase ? `${status}/${phase}` : status)))
  expect([...states].toSorted()).toEqual([
    'canceled',
    'canceled/submitting',
    'canceled/unconfirmed',
    'completed',
    'failed',
    'pending',
    'processing/running',
    'processing/storing',
    'processing/submitting',
    'processing/unconfirmed',
    'waiting_continue',
  ])
})

test('every later migration leaves the tasks as they were, but for the prefix of an identity provider’s users', async () => {
  const after = await readAll()
  expect(after).toHaveLength(before.length)
  for (const [index, row] of before.entries()) expect(after[index]).toMatchObject(row)
})

test('what was in flight before the migrations goes on to its end after them', async () => {
  // A person's moves, on the rows as they were left.
  const rows = new Map((await readAll()).map((row) => [row.id, row]))
  const idle = [...rows.values()].filter(({ phase }) => phase === null)
  for (const { id, user_id, status } of idle) {
    if (status === 'waiting_continue') await continueTask(db, { id, user_id, now })
    if (status === 'failed') await redoTask(db, { id, user_id, now })
  }
  const running = before.find(({ phase, current_step }) => phase === 'running' && current_step === 2) as Row
  expect(await cancelTask(db, { id: running.id, user_id: running.user_id, now })).toMatchObject({ status: 'canceled' })

  const unconfirmed = before.filter(({ phase }) => phase === 'submitting' || phase === 'unconfirmed')
  await recordSubmissions(db, unconfirmed.map(adopted), { now: later(now, 1) })
  for (let round = 1; round <= 20; round += 1) await passOnce(later(now, round * 900))

  const left = (await readAll()).filter(({ status }) => !['completed', 'canceled'].includes(status))
  expect(left.map(({ id, status, phase }) => ({ id, status, phase }))).toEqual([])
  const paid = (await readAll()).flatMap(({ steps }) => steps.map(({ prediction_id }) => prediction_id))
  for (const { prediction_id, status } of before) {
    if (prediction_id && prediction_id !== running.prediction_id && status === 'processing')
      expect(paid).toContain(prediction_id)
  }
})

const adopted = (task: Task) => ({
  ...attemptOf(task),
  kind: 'created' as const,
  prediction_id: `late-${task.id}`,
  urls: {},
  check_in: 2,
})

/** Claims what is due, creates, finds done and stores: as a pass whose provider is quick and never fails. */
async function passOnce(at: Date): Promise<void> {
  const terms = { terms: [tryOnTerms], limit: 100, submitLeaseSeconds: 90, now: at }
  const caps = [{ provider: 'fal', cap: 2 }]
  const { tasks } = await claimDue(db, { ...terms, caps })
  const submits = tasks.filter(({ work }) => work === 'submit')
  await recordSubmissions(db, submits.map(adopted), { now: at })
  const ran = tasks.filter(({ phase }) => phase === 'running')
  const checks = ran.map((task) => ({
    ...own(task),
    kind: 'succeeded' as const,
    output: ['https://provider.test/out.png'],
  }))
  await recordChecks(db, checks, { now: at })
  const stored = [...ran, ...tasks.filter(({ phase }) => phase === 'storing')].map((task) => ({
    ...own(task),
    files: [{ type: 'image/png', size: 1 }],
    gate_in: 60,
  }))
  await recordStored(db, stored, { now: at })
  for (const { id, user_id } of (await readAll()).filter(({ status }) => status === 'waiting_continue')) {
    await continueTask(db, { id, user_id, now: at })
  }
}

const own = (task: Task) => ({ ...attemptOf(task), prediction_id: task.prediction_id ?? '' })
