// `npm run bench -- history`: 10,000 active tasks in a table with 5,000,000 finished ones, and in one without: the same statements on both
// in turns, and the medians' ratios. Then what a task takes on disk, pages of a list, and deleting while others claim.
import { setTimeout } from 'node:timers/promises'
import { type Connection, connect } from '../db/driver/connect.ts'
import { eraseOld } from '../db/statements/erase.ts'
import { listTasks } from '../db/statements/reads.ts'
import type { Db } from '../db/statements/sql.ts'
import { openProgress } from '../dev/progress.ts'
import { median, timed } from './numbers.ts'
import { readOptions } from './options.ts'
import { quick, withServer } from './postgres.ts'
import { type Judge, openJudge } from './scale/figures.ts'
import { eventsPerTask, insertPast, pastUsers, settle } from './scale/past.ts'
import { readSizes } from './scale/sizes.ts'
import { insertRunning } from './scale/tasks.ts'
import { claimBatch, openSide, type Side, type Work, works } from './scale/works.ts'

const most = 1.3
/** A load of millions isn't logged at length, and nothing else runs while statements are timed. */
const settings = {
  ...quick,
  ...{ shared_buffers: '2GB', max_wal_size: '6GB', checkpoint_timeout: '1h', autovacuum_naptime: '1min' },
  ...{ wal_level: 'minimal', max_wal_senders: 0 },
}

export async function run(args: string[]): Promise<boolean> {
  const { rows, active, rounds } = readOptions(args, { rows: 5_000_000, active: 10_000, rounds: 60 })
  const judge = openJudge()
  await withServer(settings, async (server) => {
    const urls = { bare: await server.createMigrated('bare'), full: await server.createMigrated('history') }
    const loaded = await timed(() => insertPast(urls.full, rows))
    console.log(`\n${rows} finished tasks with their histories, made in ${Math.round(loaded / 1000)} s`)
    const [bare, full] = [connect(urls.bare), connect(urls.full)]
    try {
      for (const [name, { db }] of [['bare', bare] as const, ['full', full] as const]) {
        await insertRunning(db, active)
        await settle(urls[name])
      }
      await tellSizes(full.db, rows + active, judge)
      await compareSides({ bare, full }, rounds, judge)
      await pageThrough(full.db, rounds, judge)
      await forgetMeanwhile(full.db, rounds, judge)
    } finally {
      await Promise.all([bare.close(), full.close()])
    }
  })
  return judge.isContent()
}

async function tellSizes(db: Db, tasks: number, judge: Judge): Promise<void> {
  console.log(`\nBytes for each task of one step, ${eventsPerTask} events included`)
  const sizes = await readSizes(db)
  for (const { name, bytes } of sizes) judge.tell(name, bytes / tasks)
  judge.tell('all together', sizes.reduce((sum, { bytes }) => sum + bytes, 0) / tasks)
}

/** Each work on both sides, one right after the other, and the other way round in the next round. */
async function compareSides(on: { bare: Connection; full: Connection }, rounds: number, judge: Judge): Promise<void> {
  const sides = { bare: await openSide(on.bare.db), full: await openSide(on.full.db) }
  const times = new Map(works.map(({ name }) => [name, { bare: [] as number[], full: [] as number[] }]))
  const warmUps = 5
  let ran = 0
  const progress = openProgress({ unit: 'rounds', total: warmUps + rounds, done: () => ran })
  for (let round = -warmUps; round < rounds; round += 1) {
    for (const { name, often = 1, ...work } of works) {
      for (let n = 0; n < 2 * often; n += 1) {
        // The side that comes second finds a warmer processor, so both come second as often.
        const which = (round + n + (n >> 1)) % 2 === 0 ? 'bare' : 'full'
        const ms = await timeWork(work, sides[which])
        if (round >= 0) times.get(name)?.[which].push(ms)
      }
    }
    ran += 1
  }
  progress.end()
  console.log(`\nMedian milliseconds of ${rounds} rounds, with history and without`)
  for (const [name, { bare, full }] of times) {
    const [without, beside] = [median(bare), median(full)]
    judge.most(`${name}: ${beside.toFixed(2)}, ${without.toFixed(2)}`, beside / without, most, ' x')
  }
}

async function timeWork({ prepare, work }: Omit<Work, 'name'>, side: Side): Promise<number> {
  await prepare?.(side)
  return timed(() => work(side))
}

/** A page far down a user's list, as against their first. */
async function pageThrough(db: Db, rounds: number, judge: Judge): Promise<void> {
  const [first, deep]: [number[], number[]] = [[], []]
  const limit = 21
  for (let round = 0; round < rounds; round += 1) {
    const user_id = `user-${(round * 101) % pastUsers}`
    const all = await listTasks(db, { user_id, limit: 100_000 })
    const after = all[Math.max(0, all.length - limit - 1)]?.id
    first.push(await timed(() => listTasks(db, { user_id, limit })))
    deep.push(await timed(() => listTasks(db, { user_id, limit, after })))
  }
  console.log('\nLists')
  judge.most('the last page of a list, as against the first', median(deep) / median(first), most, ' x')
}

const forgotten = 500
const keptSeconds = 90 * 86_400
/** Ten batches a second are 18 million tasks an hour. */
const pauseMs = 100

/** Claims while finished tasks are deleted, as against claims by themselves. */
async function forgetMeanwhile(db: Db, rounds: number, judge: Judge): Promise<void> {
  const side = await openSide(db)
  const [alone, beside, deleting]: [number[], number[], number[]] = [[], [], []]
  const turns = 4
  for (let turn = 0; turn < turns; turn += 1) {
    const isMeanwhile = turn % 2 === 1
    let isOver = !isMeanwhile
    const forgetting = (async () => {
      for (; !isOver; await setTimeout(pauseMs)) {
        deleting.push(
          await timed(() =>
            eraseOld(db, { olderThanSeconds: keptSeconds, limit: forgotten, erasing: [], quietSeconds: 0 }),
          ),
        )
      }
    })()
    for (let round = 0; round < rounds; round += 1) {
      const ms = await timeWork(claimBatch, side)
      ;(isMeanwhile ? beside : alone).push(ms)
    }
    isOver = true
    await forgetting
  }
  console.log(`\nDeleting ${forgotten} old tasks at a time, meanwhile claiming`)
  judge.tell('batches, median milliseconds of one', `${deleting.length}, ${median(deleting).toFixed(1)}`)
  judge.tell('milliseconds of a claim alone, meanwhile', `${median(alone).toFixed(2)}, ${median(beside).toFixed(2)}`)
  judge.most('claims while others delete, as against alone', median(beside) / median(alone), most, ' x')
}
