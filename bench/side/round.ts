// One round of one engine: a fresh database, a process of its own, a warm-up; then as many tasks as fit at once, for throughput and
// cost; then few at a steady pace, for latency. Nothing is a figure before the till has been checked.
import { callsOf, type Server, type Statement } from '../postgres.ts'
import { type Client, openClient, type Person, type Walk } from './client.ts'
import { type EngineName, startEngine } from './engines.ts'
import type { World } from './provider.ts'

/** Of every task; between two of them stands a person. */
const steps = 3

export interface Load {
  /** People at once, each with one task at a time. */
  people: number
  tasks: number
  warmUp: number
  /** Of the steady phase. */
  tasksPerSecond: number
  seconds: number
}

export interface Round {
  engine: EngineName
  tasksPerSecond: number
  statementsPerTask: number
  framesPerTask: number
  walBytesPerTask: number
  engineCpuMsPerTask: number
  postgresCpuMsPerTask: number
  harnessCpuMsPerTask: number
  peakMegabytes: number
  looksPerTask: number
  /** Of the steady phase: from the provider's end of a step to the look that shows it, in milliseconds. */
  waits: number[]
}

export interface Place {
  server: Server
  world: World
  load: Load
}

let databases = 0

/** `root`: where Stepgate's sources are. */
export async function runRound(name: EngineName, { server, world, load }: Place, root?: string): Promise<Round> {
  databases += 1
  const database = `bench_${databases}`
  const address = await server.createDatabase(database)
  world.reset()
  const client = openClient(steps)
  const engine = await startEngine({ name, database: address, world, root })
  try {
    const people = await Promise.all(Array.from({ length: load.people }, () => client.signIn(engine.url)))
    const crowd = { client, people, world }
    const warm = await walkAtOnce(crowd, load.warmUp)

    const counted = await server.count(database)
    const cpuBefore = await engine.cpuSeconds()
    const ownBefore = process.cpuUsage()
    const started = performance.now()
    const walks = await walkAtOnce(crowd, load.tasks)
    const seconds = (performance.now() - started) / 1000
    const own = process.cpuUsage(ownBefore)
    const engineSeconds = (await engine.cpuSeconds()) - cpuBefore
    const counts = await counted()

    const steady = await walkSteadily(crowd, load)
    world.till.check(
      [...warm, ...walks, ...steady].map(({ task }) => task),
      steps,
    )

    const looks = walks.reduce((sum, walk) => sum + walk.looks, 0)
    const statements = withoutLooks(
      counts.statements,
      await statementsOfLook(server, database, client, walks[0]),
      looks,
    )
    const per = (value: number) => value / load.tasks
    return {
      engine: name,
      tasksPerSecond: load.tasks / seconds,
      statementsPerTask: per(callsOf(statements.filter(({ isFrame }) => !isFrame))),
      framesPerTask: per(callsOf(statements.filter(({ isFrame }) => isFrame))),
      walBytesPerTask: per(counts.walBytes),
      engineCpuMsPerTask: per(engineSeconds * 1000),
      postgresCpuMsPerTask: per(counts.cpuSeconds * 1000),
      harnessCpuMsPerTask: per((own.user + own.system) / 1000),
      peakMegabytes: await engine.peakMegabytes(),
      looksPerTask: per(looks),
      waits: steady.flatMap(({ waits }) => waits.map((wait) => Math.round(wait * 10) / 10)),
    }
  } finally {
    await engine.stop()
    await client.close()
    await server.dropDatabase(database)
  }
}

interface Crowd {
  client: Client
  people: readonly Person[]
  world: World
}

/** Everybody has one task at a time until all are done. They look seldom: looks cost every engine something. */
async function walkAtOnce({ client, people, world }: Crowd, tasks: number): Promise<Walk[]> {
  const walks: Walk[] = []
  let left = tasks
  const takeTasks = async (person: Person) => {
    while (left > 0) {
      left -= 1
      walks.push(await client.walk(person, world.till, { leastMs: 20, share: 0.5 }))
    }
  }
  await Promise.all(people.map(takeTasks))
  return walks
}

/** They look often, a tenth of the wait apart: that is how exact a wait is known. */
async function walkSteadily({ client, people, world }: Crowd, load: Load): Promise<Walk[]> {
  const started = performance.now()
  const walks = Array.from({ length: load.tasksPerSecond * load.seconds }, async (_, index) => {
    const at = started + (index * 1000) / load.tasksPerSecond
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - performance.now())))
    const person = people[index % people.length]
    if (!person) throw new Error('there is nobody to start a task')
    return client.walk(person, world.till, { leastMs: 1, share: 0.1 })
  })
  return Promise.all(walks)
}

const calibratingLooks = 40

/** Looks are no part of what a task takes; what one sends is found out when nothing else happens. */
export async function statementsOfLook(server: Server, database: string, client: Client, walk: Walk | undefined) {
  if (!walk) throw new Error('there is no task to look at')
  const counted = await server.count(database)
  for (let index = 0; index < calibratingLooks; index += 1) await client.look(walk.person, walk.task)
  const { statements } = await counted()
  return statements.map((one) => ({ ...one, calls: Math.round(one.calls / calibratingLooks) }))
}

/** At most what the looks would have sent one by one: an engine may answer several of them with one statement. */
export function withoutLooks(
  statements: readonly Statement[],
  ofLook: readonly Statement[],
  looks: number,
): Statement[] {
  const each = new Map(ofLook.map(({ text, calls }) => [text, calls]))
  return statements.map((one) => ({ ...one, calls: Math.max(0, one.calls - looks * (each.get(one.text) ?? 0)) }))
}
