// `npm run bench -- passes`: one pass over 1,000 submissions and one over 1,000 running predictions, at 100 ms to the provider, by the
// real endpoints in a process of their own; what they ask the database; that they end in time; that their memory stays flat; and what a
// claim takes where 20,000 tasks are due.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { type Connection, connect } from '../db/driver/connect.ts'
import { startBlobs } from '../dev/blobs.ts'
import { openProgress } from '../dev/progress.ts'
import { median, timed } from './numbers.ts'
import { readOptions } from './options.ts'
import { callsOf, quick, type Server, withServer } from './postgres.ts'
import { type Called, type Container, openContainer } from './scale/container.ts'
import { type Judge, openJudge } from './scale/figures.ts'
import { type DistantReplicate, openDistantReplicate } from './scale/replicate.ts'
import { claimLooks, insertPending, lookAgain, readStates } from './scale/tasks.ts'

const database = 'passes'
const latencyMs = 100
/** A ping answers within it, whatever the load: monitors give up at 30 s. */
const answerSeconds = 25
/** A function's life on the platform. */
const lifeSeconds = 60
const growthMb = 50
const mb = 2 ** 20

interface Stage {
  server: Server
  db: Connection['db']
  distant: DistantReplicate
  env: Record<string, string>
  judge: Judge
  tasks: number
  /** PASS_BATCH; 0 is the default. */
  batch: number
}

export async function run(args: string[]): Promise<boolean> {
  const { tasks, passes, batch } = readOptions(args, { tasks: 1_000, passes: 20, batch: 0 })
  const judge = openJudge()
  await withServer(quick, (server) =>
    withStage(server, { judge, tasks, batch }, async (stage) => {
      await claimOfMany(stage)
      await withContainer(stage, async (container) => {
        const one = await passesOver(stage, container, 1)
        const many = await passesOver(stage, container, tasks)
        compare(stage, one, many)
        stage.distant.hasList = false
        await lookOneByOne(stage, container)
      })
      await stopInTime(stage)
      await stayFlat(stage, passes)
    }),
  )
  return judge.isContent()
}

async function withStage(
  server: Server,
  given: Pick<Stage, 'judge' | 'tasks' | 'batch'>,
  work: (stage: Stage) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'stepgate-bench-blobs-'))
  const url = await server.createMigrated(database)
  const { db, close } = connect(url)
  const [blobs, distant] = await Promise.all([startBlobs(folder), openDistantReplicate(latencyMs)])
  const env = {
    ...distant.env,
    DATABASE_URL: url,
    NETLIFY_BLOBS_CONTEXT: blobs.context,
    CRON_SECRET: 'cron-secret-of-a-bench',
    SESSION_SECRET: 'session-secret-of-a-bench-32-bytes',
    ...(given.batch > 0 && { PASS_BATCH: String(given.batch) }),
  }
  try {
    await work({ server, db, distant, env, ...given })
  } finally {
    distant.close()
    await Promise.all([blobs.stop(), close()])
    await rm(folder, { recursive: true })
  }
}

async function withContainer(
  { env }: Stage,
  work: (container: Container) => Promise<void>,
  more: Record<string, string> = {},
): Promise<void> {
  const container = await openContainer({ ...env, ...more })
  try {
    await work(container)
  } finally {
    await container.close()
  }
}

const claimed = 200
const many = 20_000
const chunk = 2_000

/** What a backlog adds to each claim: the same number of tasks, where no more are due, and where many are. */
async function claimOfMany({ db, judge }: Stage): Promise<void> {
  const medianOf = async (due: number) => {
    await db.deleteFrom('tasks').execute()
    for (let left = due; left > 0; left -= chunk) await insertPending(db, Math.min(left, chunk))
    await sql`vacuum analyze tasks`.execute(db)
    const times: number[] = []
    for (let round = 0; round < 20; round += 1) {
      times.push(await timed(async () => requireEqual('claimed', await claimLooks(db, claimed, new Date()), claimed)))
      await insertPending(db, claimed)
    }
    return median(times)
  }
  console.log(`\nA claim of ${claimed} tasks, median milliseconds`)
  judge.tell(`where ${claimed} are due`, await medianOf(claimed))
  judge.tell(`where ${many} are due`, await medianOf(many))
}

interface Passed extends Called {
  statements: number
  created: number
  looks: number
  pages: number
}

/** One ping, and what it asked the database and the provider. */
async function pass(
  { server, distant }: Stage,
  container: Container,
  endpoint: 'worker' | 'checker',
  collect = false,
): Promise<Passed> {
  const before = distant.replicate.till().requests
  const counted = await server.count(database)
  const called = await container.call({ endpoint, collect })
  const { statements } = await counted()
  if (called.status !== 200) throw new Error(`${endpoint} answered ${called.status}: ${JSON.stringify(called.body)}`)
  const { create, get, list } = distant.replicate.till().requests
  return {
    ...called,
    statements: callsOf(statements),
    created: create - before.create,
    looks: get - before.get,
    pages: list - before.list,
  }
}

interface Both {
  worker: Passed
  checker: Passed
}

/** A worker's pass that submits so many tasks, and a checker's that finds them all running. Both must have done it. */
async function passesOver(stage: Stage, container: Container, count: number): Promise<Both> {
  await stage.db.deleteFrom('tasks').execute()
  await insertPending(stage.db, count)
  const worker = await pass(stage, container, 'worker')
  requireEqual(`submitted by a pass over ${count}`, [worker.created, worker.body['submitted']], [count, count])
  await lookAgain(stage.db)
  const checker = await pass(stage, container, 'checker')
  requireEqual(`checked by a pass over ${count}`, checker.body['checked'], count)
  requireEqual('running after both', (await readStates(stage.db)).running, count)
  return { worker, checker }
}

function compare({ judge, tasks }: Stage, one: Both, many: Both): void {
  console.log(`\nPasses over ${tasks} tasks, ${latencyMs} ms from the provider`)
  for (const name of ['worker', 'checker'] as const) {
    const { statements, answered_ms, cpu_ms, looks, pages } = many[name]
    judge.most(`${name}: seconds until it answers`, answered_ms / 1000, answerSeconds, ' s')
    judge.most(`${name}: statements (over one task: ${one[name].statements})`, statements, one[name].statements)
    judge.tell(`${name}: milliseconds of processor time`, cpu_ms)
    if (name === 'checker') judge.tell('checker: pages of the list, and single looks', `${pages} + ${looks}`)
  }
}

/** The same where the list fails: what a provider without one would cost. */
async function lookOneByOne(stage: Stage, container: Container): Promise<void> {
  await lookAgain(stage.db)
  const { answered_ms, cpu_ms, looks, statements, body } = await pass(stage, container, 'checker')
  requireEqual('looks one by one', [looks, body['checked']], [stage.tasks, stage.tasks])
  console.log('\nThe same without a list')
  stage.judge.most('checker: seconds until it answers', answered_ms / 1000, answerSeconds, ' s')
  stage.judge.tell('checker: statements', statements)
  stage.judge.tell('checker: milliseconds of processor time', cpu_ms)
}

/** A provider that takes seconds for everything: a pass ends all the same, and what it didn't get to is due. */
async function stopInTime(stage: Stage): Promise<void> {
  const { judge, distant, tasks } = stage
  // Whatever was looked at isn't due again before the end.
  const apart = { CHECK_MIN_SECONDS: '600', CHECK_MAX_SECONDS: '600' }
  const inTime = async (container: Container) => {
    await lookAgain(stage.db)
    const { answered_ms, ms, looks } = await pass(stage, container, 'checker')
    const { due } = await readStates(stage.db)
    judge.tell('checker: looks that fit into a pass', looks)
    judge.most('checker: seconds until it answers', answered_ms / 1000, answerSeconds, ' s')
    judge.most('checker: seconds until all is over', ms / 1000, lifeSeconds, ' s')
    judge.most('tasks neither looked at nor left due', tasks - looks - due, 0)
  }
  console.log('\nThe same without a list, 3 s from the provider')
  distant.latencyMs = 3_000
  await withContainer(stage, inTime, apart)
  distant.latencyMs = latencyMs
}

/** The first passes load code. */
const warmUps = 3

/** In a fresh process with a function's heap. Garbage is collected before each reading: what V8 lets lie is no growth of ours. */
async function stayFlat(stage: Stage, passes: number): Promise<void> {
  console.log(
    `\nMemory over ${passes} such passes, after ${warmUps} to warm up, still without a list, in a fresh process with --expose-gc`,
  )
  await withContainer(stage, async (container) => {
    const sizes: number[] = []
    let fullest = 0
    const progress = openProgress({ unit: 'passes', total: warmUps + passes, done: () => sizes.length })
    for (let n = 0; n < warmUps + passes; n += 1) {
      await lookAgain(stage.db)
      const { fullest_rss, rss, body } = await pass(stage, container, 'checker', true)
      requireEqual('checked by each pass', body['checked'], stage.tasks)
      sizes.push(rss / mb)
      fullest = Math.max(fullest, fullest_rss / mb)
    }
    progress.end()
    const [warm = 0, ...later] = sizes.slice(warmUps - 1)
    stage.judge.tell(
      'rss after the warm-up and the last, and at most',
      `${[warm, later.at(-1) ?? 0, fullest].map(Math.round)} MB`,
    )
    stage.judge.most('growth of rss', Math.max(...later) - warm, growthMb, ' MB')
  })
}

function requireEqual(what: string, found: unknown, expected: unknown): void {
  if (JSON.stringify(found) === JSON.stringify(expected)) return
  throw new Error(
    `${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}; no figure is worth anything`,
  )
}
