// `npm run bench -- statements`: what a task of Stepgate's costs the database, as the database counts it. Webhooks are on; looks are
// not counted. Prints each statement; false when there are more than the limits say.
import { readOptions } from './options.ts'
import { callsOf, durable, type Server, withServer } from './postgres.ts'
import { openClient } from './side/client.ts'
import { startEngine } from './side/engines.ts'
import { openWorld, type World } from './side/provider.ts'
import { statementsOfLook, withoutLooks } from './side/round.ts'

/** Statements from start to end, by the number of steps. */
const limits = new Map([
  [2, 9],
  [3, 13],
])
const latencyMs = 100

export async function run(args: string[]): Promise<boolean> {
  const { tasks } = readOptions(args, { tasks: 20 })
  return withServer(durable, async (server) => {
    const world = await openWorld(latencyMs)
    try {
      let isWithin = true
      for (const [steps, limit] of limits) {
        const counted = await countTask(server, world, steps, tasks)
        isWithin &&= counted <= limit
        const verdict = counted <= limit ? 'within' : 'MISSED:'
        console.log(`${steps} steps, ${steps - 1} gates: ${counted} statements a task, ${verdict} ${limit}\n`)
      }
      return isWithin
    } finally {
      await world.close()
    }
  })
}

/** One task after another, so that no statement is shared between them. */
async function countTask(server: Server, world: World, steps: number, tasks: number): Promise<number> {
  const database = `statements_${steps}`
  world.reset()
  const client = openClient(steps)
  const engine = await startEngine({ name: 'stepgate', database: await server.createDatabase(database), world })
  try {
    const person = await client.signIn(engine.url)
    const walk = () => client.walk(person, world.till, { leastMs: 10, share: 0.5 })
    const walks = [await walk()]
    const counted = await server.count(database)
    for (let task = 0; task < tasks; task += 1) walks.push(await walk())
    const { statements } = await counted()
    world.till.check(
      walks.map(({ task }) => task),
      steps,
    )
    const looks = walks.slice(1).reduce((sum, { looks: some }) => sum + some, 0)
    const own = withoutLooks(statements, await statementsOfLook(server, database, client, walks[0]), looks)
    for (const { calls, text } of own.filter(({ calls }) => calls > 0)) {
      console.log(`${(calls / tasks).toFixed(2).padStart(7)}  ${text.replace(/\s+/g, ' ').slice(0, 110)}`)
    }
    return callsOf(own) / tasks
  } finally {
    await engine.stop()
    await client.close()
  }
}
