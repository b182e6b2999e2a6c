// The operator's command on a real database, blob store and simulator: as a process of its own where that matters, else within this one.
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { usage } from '../../cli/arguments.ts'
import { run as runTasks } from '../../cli/tasks.ts'
import { listMigrations } from '../../db/migrate.ts'
import { replicateSettings } from '../../providers/replicate/spec.ts'
import { begun, fault, rowOf } from '../scenarios/setup.ts'
import { createDatabase } from '../setup/database.ts'
import { useTestDeps } from '../setup/deps.ts'
import { insertTask, insertTasks, later, states, stray } from '../setup/factory.ts'
import { runAlone, runHere } from './command.ts'

const app = await useTestDeps()
const { DATABASE_URL, SESSION_SECRET, CRON_SECRET } = app.deps.config
const { REPLICATE_API_TOKEN, REPLICATE_BASE_URL } = replicateSettings(app.deps.config)
const database = { DATABASE_URL }
const deployment = {
  ...database,
  ...{ REPLICATE_API_TOKEN, REPLICATE_BASE_URL, SESSION_SECRET, CRON_SECRET, ALLOW_PRIVATE_IMAGES: '1' },
  NETLIFY_BLOBS_CONTEXT: app.blobs.context,
}

const run = (words: string[], env: Record<string, string | undefined> = database) => runHere(runTasks, words, env)
/** Proves that it ends, with which code, and that its log is nowhere in its answer. */
const runApart = (words: string[], env: Record<string, string | undefined> = database) =>
  runAlone('cli/tasks.ts', words, env)

async function runJson<T>(words: string[], env?: Record<string, string | undefined>, how = run): Promise<T> {
  const { code, out, err } = await how([...words, '--json'], env)
  expect([code, err]).toEqual([0, ''])
  return JSON.parse(out) as T
}

const now = new Date()

const pause = (name: string) =>
  sql`insert into providers (name, paused_until, paused_for, updated_at) values (${name}, now() + interval '1 hour', 'no credit', now())
    on conflict (name) do update set paused_until = excluded.paused_until, paused_for = excluded.paused_for`.execute(
    app.deps.db,
  )

test('list shows what is in flight, the next due first, and leaves what is over', async () => {
  const [late, soon] = await insertTasks(app.deps.db, [
    { ...states.waiting_continue, user_id: 'eve' },
    { ...states.running, due_at: later(new Date(), 110) },
    states.completed,
  ])
  const { code, out } = await runApart(['list'])
  expect(code).toBe(0)
  const lines = out.trimEnd().split('\n')
  expect(lines).toHaveLength(3)
  expect(lines[1]).toMatch(new RegExp(`^${soon?.id}  ada +try-on +processing/running +1/3 +1 +in \\d+ s`))
  expect(lines[2]).toMatch(new RegExp(`^${late?.id}  eve +try-on +waiting_continue`))
})

test('list is narrowed by status, recipe, user and number, and is one document for programs', async () => {
  type Listed = { tasks: { id: string; claim_token?: string }[] }
  const [failed, memes, first] = await insertTasks(app.deps.db, [
    states.failed,
    { ...states.running, recipe: 'memes', user_id: 'eve' },
    { at: later(now, -9) },
    {},
  ])
  const idsOf = async (...words: string[]) => (await runJson<Listed>(['list', ...words])).tasks.map(({ id }) => id)
  expect(await idsOf('--status', 'failed')).toEqual([failed?.id])
  expect(await idsOf('--recipe', 'memes', '--user', 'eve')).toEqual([memes?.id])
  expect(await idsOf('--limit', '1')).toEqual([first?.id])
  expect((await runJson<Listed>(['list'])).tasks.map(({ claim_token }) => claim_token)).toEqual([
    undefined,
    undefined,
    undefined,
  ])
  expect((await run(['list', '--user', 'nobody'])).out).toBe('Nothing is in flight.\n')
})

test('show says where a task stands, why, who moves it next and when, and what happened to it', async () => {
  const story = await begun(app)
  const { prediction_id } = await rowOf(app, story)
  const { out } = await run(['show', story.id])
  expect(out).toContain(`Task ${story.id} (try-on, of user ada) is processing/running: step 1 of 1.`)
  expect(out).toContain(`Prediction ${prediction_id} was submitted to replicate`)
  expect(out).toMatch(/The first pass after .* checks it|It has been due since/)
  expect(out).toMatch(/user +started +pending/)
  expect(out).toMatch(/start +claimed +pending +processing\/submitting +1 +1 +\d+ MB/)
  expect(out).toMatch(/start +created +processing\/submitting +processing\/running .* the provider accepted the step/)
  type Shown = { explanation: string[]; task: { id: string }; history: { move: string; by: string }[] }
  const { explanation, task, history } = await runJson<Shown>(['show', story.id])
  expect([explanation.length > 2, task.id, history.map(({ move }) => move)]).toEqual([
    ...[true, story.id, ['started', 'claimed', 'created']],
  ])
})

test('check checks a task now, though it is not due, and is named in its history', async () => {
  fault(app, { on: 'outcome', fault: 'seconds', seconds: 0 })
  const story = await begun(app)
  const { code, out, err } = await run(['check', story.id], deployment)
  expect([code, out.split('\n').slice(0, 2)], err).toEqual([
    0,
    ['Checked it: 1 checked, 1 completed.', `Task ${story.id} (try-on, of user ada) is completed: step 1 of 1.`],
  ])
  expect(out).toMatch(/operator +stored +processing\/storing +completed/)
  expect(await rowOf(app, story)).toMatchObject({ status: 'completed' })
})

test('check leaves a create that may be on its way alone', async () => {
  const task = await insertTask(app.deps.db, states.submitting)
  const { code, out } = await run(['check', task.id], deployment)
  expect([code, out.split('\n')[0]]).toEqual([0, 'Nothing was due for it.'])
  expect(await rowOf(app, task)).toEqual(task)
})

test('show and check take the id of a prediction: of an open attempt, of a closed one, and of a stray', async () => {
  const [open, done, unwanted] = await insertTasks(app.deps.db, [
    { ...states.running, prediction_id: 'open-prediction' },
    states.waiting_continue,
    { ...states.canceled, strays: [stray({ prediction_id: 'stray-prediction' })], due_at: now },
  ])
  for (const [prediction, task] of [
    ['open-prediction', open],
    [done?.steps[0]?.prediction_id ?? '', done],
    ['stray-prediction', unwanted],
  ] as const) {
    expect((await run(['show', prediction])).out).toContain(`Task ${task?.id} (`)
  }
  expect((await run(['show', 'no-prediction'])).err).toBe(
    'There is no task no-prediction, and no task with a prediction of this id.\n',
  )
})

test('list --all shows the finished tasks of a user too, the newest first', async () => {
  const [older, newer] = await insertTasks(app.deps.db, [
    { ...states.completed, user_id: 'zoe', at: later(now, -7_200) },
    { ...states.running, user_id: 'zoe' },
  ])
  const ids = async (words: string[]) =>
    (await runJson<{ tasks: { id: string }[] }>(['list', '--user', 'zoe', ...words])).tasks.map(({ id }) => id)
  expect(await ids(['--all'])).toEqual([newer?.id, older?.id])
  expect(await ids([])).toEqual([newer?.id])
})

test('list --overdue shows what passes have missed, and not what waits for the end of a pause', async () => {
  const [missed] = await insertTasks(app.deps.db, [
    { ...states.running, user_id: 'kim', due_at: later(now, -900) },
    { ...states.running, user_id: 'kim', due_at: later(now, -60) },
    { user_id: 'kim', provider: 'fal', due_at: later(now, -900) },
  ])
  await pause('fal')
  const { tasks } = await runJson<{ tasks: { id: string }[] }>(['list', '--user', 'kim', '--overdue'])
  expect(tasks.map(({ id }) => id)).toEqual([missed?.id])
  expect((await run(['list', '--user', 'nobody', '--overdue'])).out).toBe('Nothing is overdue.\n')
})

test('resume ends the pause of a provider, and says what it was', async () => {
  await pause('replicate')
  const { code, out } = await run(['resume', 'replicate'])
  expect([code, out]).toEqual([
    0,
    expect.stringMatching(/^The pause of replicate \(no credit\) has ended; it would have/),
  ])
  expect((await run(['resume', 'replicate'])).out).toBe('replicate is not paused.\n')
  expect((await run(['resume', 'replica'])).err).toBe('There is no provider "replica". Known are replicate and fal.\n')
})

test('a prediction that was found is not counted as submitted', async () => {
  fault(app, { on: 'create', fault: 'error_after' })
  const story = await begun(app)
  await sql`update tasks set due_at = now() where id = ${story.id}`.execute(app.deps.db)
  const { out } = await run(['check', story.id], deployment)
  expect(out.split('\n')[0]).toBe('Checked it: 1 found.')
  expect(out).toContain("the prediction was found in the provider's list")
})

test('recover picks up everything that is due', async () => {
  const stuck = await insertTasks(app.deps.db, [
    { ...states.submitting, due_at: later(now, -900) },
    { ...states.running, due_at: later(now, -900) },
  ])
  expect((await runApart(['recover'], deployment)).out).toMatch(/^Picked up what was due: /)
  for (const task of stuck) expect((await rowOf(app, task)).due_at?.getTime()).toBeGreaterThan(now.getTime())
  expect(await runJson(['recover'], deployment, runApart)).toMatchObject({ idle: true })
})

test('stats tells how things stand, and when pings came where the blob store is known', async () => {
  await insertTasks(app.deps.db, [{ at: later(new Date(), -302) }, states.running])
  await app.deps.instants.note('worker')
  const { out } = await run(['stats'])
  expect(out).toMatch(/^recipe +pending +processing/)
  expect(out).toMatch(/\ntry-on +1 +1 +0/)
  expect(out).toMatch(/\nreplicate +1/)
  expect(out).toMatch(/worker +not known/)
  expect(out).toContain('The blob store is not known here: npm run doctor.')
  expect(out).toContain('The oldest due task has waited for 5 min.')
  expect(await runJson(['stats'], deployment)).toMatchObject({
    tasks: { pending: 1, processing: 1 },
    dead_man: { worker: expect.stringMatching(/^20/) },
    store: 'ok',
  })
})

test('what is not understood ends with 2, its sentence and the usage', async () => {
  const err = `There is no command "mend".\n\n${usage}\n`
  expect(await runApart(['mend'])).toEqual({ code: 2, out: '', err })
})

test('help is the usage', async () => {
  expect(await run(['--help'])).toEqual({ code: 0, out: `${usage}\n`, err: '' })
})

test('an unknown task, a missing database and a database without tables are told in one sentence', async () => {
  const unknown = '01900000-0000-7000-8000-000000000000'
  expect(await runApart(['show', unknown])).toEqual({
    code: 1,
    out: '',
    err: `There is no task ${unknown}, and no task with a prediction of this id.\n`,
  })
  expect((await run(['list'], {})).err).toMatch(/^DATABASE_URL is not set/)
  const away = 'postgres://someone:hidden@127.0.0.1:9/none'
  const { code, err } = await run(['list'], { DATABASE_URL: away })
  expect([code, err]).toEqual([
    1,
    'No connection to the database: connect ECONNREFUSED 127.0.0.1:9 → Check the host and port in DATABASE_URL, and whether this machine may reach them.\n',
  ])
  const empty = new URL(DATABASE_URL ?? '')
  empty.pathname = '/template1'
  expect((await run(['list'], { DATABASE_URL: empty.href })).err).toBe(
    'the database has no tables yet → npm run migrate\n',
  )
  expect((await run(['recover'])).err).toMatch(/blob/i)
})

test('deliveries shows what is told and tells an event once more; a wrong id is refused', async () => {
  const task = await insertTask(app.deps.db, states.failed)
  await sql`insert into outbox (id, task_id, user_id, type, channel, receiver, at, task, tries, given_up_at, last_error)
    values (${task.id}, ${task.id}, 'ada', 'task.failed', 'webhook', 'url', now(), '{}', 9, now(), 'the receiver answers 503')`.execute(
    app.deps.db,
  )
  expect((await run(['deliveries', '--open'])).out).toMatch(
    /task\.failed .* url .* 9 +given up .* the receiver answers 503/,
  )
  // Nobody listens in this deployment: the try is made, and says so.
  const { code, out, err } = await run(['deliveries', '--repeat', task.id], deployment)
  expect([code, out], err).toEqual([
    0,
    expect.stringMatching(/given up .* the channel webhook is not configured any more/),
  ])
  expect((await run(['deliveries', '--repeat', 'x'])).code).toBe(2)
  expect((await run(['list', '--open'])).code).toBe(2)
})

test('tables of another version are named, with what to do about them', async () => {
  const older = await createDatabase()
  onTestFinished(() => older.drop())
  const { db } = await older.connect()
  const newest = (await listMigrations()).at(-1) ?? ''
  await sql`drop table outbox cascade`.execute(db)
  await sql`delete from kysely_migration where name = ${newest}`.execute(db)
  const { code, err } = await run(['deliveries'], { DATABASE_URL: older.url })
  expect([code, err]).toEqual([1, `not applied yet: ${newest} → npm run migrate\n`])
  await sql`insert into kysely_migration values (${newest}, now()::text), ('9999_future', now()::text)`.execute(db)
  expect((await run(['deliveries'], { DATABASE_URL: older.url })).err).toBe(
    'the database is newer than this checkout: 9999_future → Look with the version that is deployed.\n',
  )
})

test('an erasure and a repetition need no store that answers: what it holds is noted, and passes go on', async () => {
  const { db } = app.deps
  const [erased, told] = await insertTasks(db, [states.completed, states.completed])
  await sql`insert into outbox (id, task_id, user_id, type, channel, receiver, at, task, tries, given_up_at)
    values (${told?.id}, ${told?.id}, 'ada', 'task.completed', 'webhook', 'url', now(), '{}', 9, now())`.execute(db)
  const away = { ...deployment, NETLIFY_BLOBS_CONTEXT: undefined }
  const { code, out, err } = await run(['erase', '--task', erased?.id ?? '', '--json'], away)
  expect([code, JSON.parse(out)], err).toEqual([
    0,
    expect.objectContaining({ deleted: { tasks: 1, uploads: 0 }, erased: false, left: 1 }),
  ])
  expect((await run(['deliveries', '--repeat', told?.id ?? ''], away)).code).toBe(0)
})

test('recover works while the store is silent, as a ping does', async () => {
  const stuck = await insertTask(app.deps.db, { ...states.submitting, due_at: later(now, -900) })
  const nowhere = atob(app.blobs.context).replaceAll(/http:[^"]+/g, 'http://127.0.0.1:9')
  const silent = { ...deployment, NETLIFY_BLOBS_CONTEXT: btoa(nowhere) }
  const { code, out, err } = await run(['recover'], silent)
  expect([code, out], err).toEqual([0, expect.stringMatching(/^Picked up what was due: /)])
  expect((await rowOf(app, stuck)).due_at?.getTime()).toBeGreaterThan(now.getTime())
})
