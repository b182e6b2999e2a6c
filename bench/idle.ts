// `npm run bench -- idle`: what a day costs on which nothing happens: each ping once a minute, 1,440 times, by the real endpoints on a clock of
// their own, with a database that counts. And what the same pings cost where each of them looks.
import { type Connection, connect } from '../db/driver/connect.ts'
import { openProgress } from '../dev/progress.ts'
import type { Deps, Endpoint } from '../engine/deps.ts'
import { checker } from '../functions/checker.ts'
import { tick } from '../functions/tick.ts'
import { worker } from '../functions/worker.ts'
import { openClient } from '../test/setup/client.ts'
import { readOptions } from './options.ts'
import { type Counted, callsOf, quick, type Server, withServer } from './postgres.ts'
import { cronSecret, openBenchDeps } from './scale/deps.ts'
import { openJudge } from './scale/figures.ts'

const database = 'idle'
const minutesADay = 1_440
const endpoints: readonly Endpoint[] = [worker, checker, tick]

export async function run(args: string[]): Promise<boolean> {
  const { minutes } = readOptions(args, { minutes: minutesADay })
  const judge = openJudge()
  await withServer(quick, async (server) => {
    const url = await server.createMigrated(database)
    const before = await spend(server, url, minutes, lookAlways)
    const after = await spend(server, url, minutes, (deps) => deps)
    console.log(`\n${minutes} minutes without an active task, a ping each of worker, checker and tick a minute`)
    judge.tell('where each ping looks: statements', callsOf(before.statements))
    judge.tell('where each ping looks: connections', before.sessions)
    judge.most('with the wake mark: statements', callsOf(after.statements), 0)
    judge.most('with the wake mark: connections', after.sessions, 0)
  })
  return judge.isContent()
}

/** A mark that is never lowered. */
const lookAlways = (deps: Deps): Deps => ({ ...deps, wake: { ...deps.wake, lower: async () => false } })

/**
 * The pings of so many minutes. A connection isn't kept from one minute to the next: containers are frozen in between, and the pool
 * closes what is idle for longer than ten seconds.
 */
async function spend(server: Server, url: string, minutes: number, change: (deps: Deps) => Deps): Promise<Counted> {
  let now = new Date()
  let connection: Connection = connect(url)
  const deps = change(openBenchDeps(connection.db, () => now))
  try {
    await pingAll(deps)
    // Nothing was started in the last minutes: now the mark may go down.
    now = new Date(now.getTime() + 5 * 60_000)
    await pingAll(deps)
    await connection.close()
    const counted = await server.count(database)
    let minute = 0
    const progress = openProgress({ unit: 'minutes', total: minutes, done: () => minute })
    for (; minute < minutes; minute += 1) {
      now = new Date(now.getTime() + 60_000)
      connection = connect(url)
      await pingAll({ ...deps, db: connection.db })
      await connection.close()
    }
    progress.end()
    return await counted()
  } finally {
    await deps.http.close()
  }
}

async function pingAll(deps: Deps): Promise<void> {
  const client = openClient(deps)
  for (const endpoint of endpoints) {
    const answer = await client.call(endpoint, { path: '/api/ping', token: cronSecret })
    const { idle } = (await answer.json()) as { idle?: boolean }
    if (answer.status !== 200 || !idle) throw new Error(`a ping answered ${answer.status}, idle: ${idle}`)
    await client.settle()
  }
}
