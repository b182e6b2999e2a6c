// Kill -9 at random: two instances on one database under 28 running tasks, killed and started again seven times. At the end every task is
// finished, every step was paid once, and nothing waits on a lock. Each exact instant is boundaries.test.ts's, and many at random are the
// simulation's (test/simulation); here processes, sockets and sessions really end.
import { afterAll, expect, test } from 'vitest'
import { type Instance, openField, pause, ping, signIn, startTask } from './instances.ts'

const kills = 7
/** A few with each kill, to the last one. */
const tasks = 4 * kills
const steps = 2

const field = await openField({ instances: 2, secondsPerStep: 2, store: 'folder' })
const pool = field.database.pool()

afterAll(() => field.close())

test('kills at random lose nothing and pay nothing twice', { timeout: 600_000 }, async () => {
  const living: [Instance, Instance] = [await field.start(0), await field.start(1)]
  const headers = await signIn(living[0])
  for (let killed = 0; killed < kills; killed += 1) {
    // New tasks all the time, so that there is always a submission to be killed in.
    for (let n = 0; n < tasks / kills; n += 1) await startTask(living[1], headers, steps)
    const index = Math.random() < 0.5 ? 0 : 1
    const pings = living.flatMap((instance) => [ping(instance), ping(instance, 'checker')])
    await pause(Math.random() * 400)
    await living[index].kill()
    await Promise.all(pings)
    living[index] = await field.start(index)
  }
  while ((await unfinished()) > 0) {
    await ping(living[0])
    await pause(200)
  }
  const { rows } = await pool.query('select status, count(*)::int as n from tasks group by status')
  expect(rows).toEqual([{ status: 'completed', n: tasks }])
  const { created, predictions } = field.simulator.replicate.till()
  const paid = predictions.map(({ webhook }) => new URL(webhook ?? '').searchParams)
  expect(new Set(paid.map((query) => `${query.get('task')} ${query.get('step')}`)).size).toBe(tasks * steps)
  expect(created).toBe(tasks * steps)
  await expect.poll(waiting).toBe(0)
})

async function unfinished(): Promise<number> {
  const { rows } = await pool.query('select count(*)::int as n from tasks where finished_at is null')
  return rows[0]?.n
}

async function waiting(): Promise<number> {
  const { rows } = await pool.query(
    `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rows[0]?.n
}
