// `npm run bench -- vacuum`: half a million claims over a small set of active tasks. Each of them leaves a dead row and a dead entry in the
// index of due tasks; the tables' own autovacuum settings have to keep both bounded, and claims as quick as at the start.
import { sql } from 'kysely'
import { connect } from '../db/driver/connect.ts'
import type { Db } from '../db/statements/sql.ts'
import { openProgress } from '../dev/progress.ts'
import { median, timed } from './numbers.ts'
import { readOptions } from './options.ts'
import { quick, withServer } from './postgres.ts'
import { type Judge, openJudge } from './scale/figures.ts'
import { insertPast, settle } from './scale/past.ts'
import { claimLooks, insertRunning } from './scale/tasks.ts'

const most = 1.3
const batch = 250
/** So that this many are due at each claim, on a clock of its own. */
const tickSeconds = 4

/**
 * In life the server looks once a minute for tables to vacuum, and half a million claims of a thousand tasks take hours. Here they take
 * a minute: at a look a second, more rows die between two looks than ever would.
 */
const settings = { ...quick, autovacuum_naptime: '1s', shared_buffers: '1GB', max_wal_size: '8GB' }

export async function run(args: string[]): Promise<boolean> {
  const { claims, active, past, off } = readOptions(args, { claims: 500_000, active: 1_000, past: 0, off: false })
  const judge = openJudge()
  await withServer(settings, async (server) => {
    const url = await server.createMigrated('vacuum')
    const { db, close } = connect(url)
    try {
      if (off) await sql`alter table tasks set (autovacuum_enabled = false)`.execute(db)
      if (past > 0) await insertPast(url, past)
      await insertRunning(db, active)
      await settle(url)
      console.log(`\n${claims} claims over ${active} active tasks, with ${past} finished ones beside them`)
      await claimOn(db, claims, judge)
    } finally {
      await close()
    }
  })
  return judge.isContent()
}

async function claimOn(db: Db, claims: number, judge: Judge): Promise<void> {
  const times: number[] = []
  const sizes: Sizes[] = []
  let claimed = 0
  let clock = Date.now()
  const progress = openProgress({ unit: 'claims', total: claims, done: () => claimed })
  while (claimed < claims) {
    clock += tickSeconds * 1000
    let taken = 0
    times.push(
      await timed(async () => {
        taken = await claimLooks(db, batch, new Date(clock))
      }),
    )
    if (taken === 0) throw new Error('nothing was due; no figure is worth anything')
    claimed += taken
    if (claimed >= (sizes.length + 1) * (claims / 10)) sizes.push(await readSizes(db))
  }
  progress.end()
  const tenth = Math.floor(times.length / 10)
  // The very first have the plan to find and the cache to fill.
  const [first, last] = [median(times.slice(tenth / 5, tenth)), median(times.slice(-tenth))]
  judge.tell('claims of a batch, rows in it', `${times.length}, ${Math.round(claimed / times.length)}`)
  judge.tell('milliseconds of a claim in the first tenth, in the last', `${first.toFixed(2)}, ${last.toFixed(2)}`)
  judge.most('claims in the last tenth, as against the first', last / first, most, ' x')
  judgeSizes(sizes, judge)
}

interface Sizes {
  table: number
  due: number
  indexes: number
  dead: number
  runs: number
}

async function readSizes(db: Db): Promise<Sizes> {
  const { rows } = await sql<Sizes>`
    select pg_relation_size('tasks')::float8 as table, pg_relation_size('tasks_due')::float8 as due,
      pg_indexes_size('tasks')::float8 as indexes, n_dead_tup::int as dead, autovacuum_count::int as runs
    from pg_stat_user_tables where relname = 'tasks'`.execute(db)
  return rows[0] as Sizes
}

/** Bounded: what it takes after half of the claims is enough for the other half. */
function judgeSizes(sizes: readonly Sizes[], judge: Judge): void {
  const [half, end] = [sizes[4], sizes.at(-1)]
  if (!half || !end) throw new Error('too few claims to tell growth')
  judge.tell('runs of autovacuum, dead rows at the end', `${end.runs}, ${end.dead}`)
  for (const [name, of] of [
    ['table', 'table'],
    ['index of due tasks', 'due'],
    ['all indexes', 'indexes'],
  ] as const) {
    const kb = (size: Sizes) => Math.round(size[of] / 1024)
    judge.tell(`kB of ${name} after each tenth`, sizes.map(kb).join(' '))
    judge.most(`${name} at the end, as against the half`, end[of] / half[of], most, ' x')
  }
}
