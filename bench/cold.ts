// `npm run bench -- cold`: how long a function that was not running takes to its first answer, door by door, beside a function that does
// nothing. Each start is a process of its own, on what Netlify packs and by Netlify's bootstrap; database and blob store are at hand.
// Without a limit on hardware a limit in milliseconds means little, so limits are multiples of what the empty function takes in the same run.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { zipFunction } from '@netlify/zip-it-and-ship-it'
import { bundleDoors } from '../build/bundle.ts'
import { packDoors } from '../build/pack.ts'
import { type LocalBlobs, startBlobs } from '../dev/blobs.ts'
import { openProgress } from '../dev/progress.ts'
import { median } from './numbers.ts'
import { readOptions } from './options.ts'
import { quick, type Server, withServer } from './postgres.ts'

/**
 * 100 ms for polls and idle pings and 160 for the others, on a machine where the empty function takes 42, most of it Netlify's bootstrap;
 * on a slower one as much more as the empty function takes.
 */
const [lightTimes, otherTimes] = [100 / 42, 160 / 42]

interface Request {
  path: string
  method?: string
  headers?: Record<string, string>
  body?: unknown
}

interface Case extends Request {
  door: string
  status: number
  /** On a deployment of its own, where nothing is to be done. */
  isIdle?: boolean
  limit: number
}

interface Answer {
  status: number
  ms: number
  cpuMs: number
  text: string
}

type Call = (door: string, request: Request, isIdle?: boolean) => Promise<Answer>

export async function run(args: string[]): Promise<boolean> {
  const { rounds } = readOptions(args, { rounds: 11 })
  const folder = await mkdtemp(join(tmpdir(), 'stepgate-cold-'))
  try {
    await pack(folder)
    return await withServer(quick, async (server) =>
      withStages(folder, server, async (stages) => {
        const call = openCall(folder, stages)
        const answers = await measure(call, await casesOf(call), rounds)
        console.log(
          `cold starts: import and first answer, median of ${rounds} fresh processes, Node ${process.version}`,
        )
        return print(answers)
      }),
    )
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function pack(folder: string): Promise<void> {
  await packDoors(await bundleDoors(), folder, 'none')
  const source = join(folder, 'source')
  await mkdir(source)
  await writeFile(
    join(source, 'empty.mjs'),
    `export default () => new Response('')\nexport const config = { path: '/' }\n`,
  )
  await zipFunction(join(source, 'empty.mjs'), folder, {
    archiveFormat: 'none',
    config: { '*': { nodeBundler: 'none' } },
  })
}

type Stage = Record<'DATABASE_URL' | 'NETLIFY_BLOBS_CONTEXT', string>

interface Stages {
  busy: Stage
  idle: Stage
}

async function withStages<T>(folder: string, server: Server, work: (stages: Stages) => Promise<T>): Promise<T> {
  const blobs: LocalBlobs[] = []
  const open = async (name: string): Promise<Stage> => {
    const store = await startBlobs(join(folder, `blobs-${name}`))
    blobs.push(store)
    return { DATABASE_URL: await server.createMigrated(name), NETLIFY_BLOBS_CONTEXT: store.context }
  }
  try {
    return await work({ busy: await open('busy'), idle: await open('idle') })
  } finally {
    await Promise.all(blobs.map((store) => store.stop()))
  }
}

const cronSecret = 'cron-secret-of-a-benchmark'

function openCall(folder: string, stages: Stages): Call {
  const script = join(import.meta.dirname, 'cold-start.mjs')
  const env = {
    CRON_SECRET: cronSecret,
    SESSION_SECRET: 'session-secret-of-a-benchmark-32-bytes',
    REPLICATE_API_TOKEN: 'r8_of-a-benchmark',
    // Nobody is there: what is submitted after an answer is refused at once.
    REPLICATE_BASE_URL: 'http://127.0.0.1:9',
    LOG_LEVEL: 'silent',
    LANG: 'C.UTF-8',
  }
  return async (door, { path, body, ...request }, isIdle = false) => {
    const asked = { folder: join(folder, door), url: `http://localhost${path}`, ...request, ...bodyOf(body) }
    const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(asked)], {
      env: { ...env, ...(isIdle ? stages.idle : stages.busy) },
      maxBuffer: 16_000_000,
    })
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Answer
  }
}

const bodyOf = (body: unknown) => (body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) })

async function casesOf(call: Call): Promise<Case[]> {
  const session = await call('session', { path: '/api/session', method: 'POST' })
  const { token } = JSON.parse(session.text) as { token: string }
  const headers = { authorization: `Bearer ${token}` }
  const start = {
    path: '/api/start',
    headers,
    body: { person_image: 'https://a.test/p.jpg', garments: ['https://a.test/g.jpg'] },
  }
  const begun = await call('start', start)
  const { task_id } = JSON.parse(begun.text) as { task_id: string }
  // Of a task that is due, a poll begins a pass beside its answer.
  await call('cancel', { path: '/api/cancel', headers, body: { task_id } })
  const cron = { authorization: `Bearer ${cronSecret}` }
  const ping = (door: string): Case => ({
    ...{ door, path: `/api/${door}`, headers: cron, status: 200, isIdle: true, limit: lightTimes },
  })
  const other = (door: string, status: number, more: Partial<Request> = {}): Case => ({
    ...{ door, path: `/api/${door}`, headers, status, limit: otherTimes, ...more },
  })
  const task = `task_id=${task_id}`
  return [
    other('empty', 200, { path: '/' }),
    other('status', 200, { path: `/api/status?${task}` }),
    ...['worker', 'checker', 'tick'].map(ping),
    other('health', 200),
    other('session', 201, { method: 'POST' }),
    other('tasks', 200),
    other('openapi', 200, { path: '/api/openapi.json' }),
    other('start', 202, start),
    ...['continue', 'redo'].map((door) => other(door, 409, { body: { task_id } })),
    other('cancel', 404, { body: { task_id: '01900000-0000-7000-8000-000000000000' } }),
    other('result', 404, { path: `/api/result?${task}&step=1` }),
    other('upload', 404, { path: `/api/upload?id=2026010100-${'0'.repeat(32)}` }),
    other('webhook', 401, { path: '/api/webhook/replicate', body: {} }),
    other('recover', 200, { headers: cron }),
  ].map((one) => (one.door === 'status' ? { ...one, limit: lightTimes } : one))
}

/** Interleaved, so that a busy moment of the machine meets all alike. The first round only shows that each answers as it should. */
async function measure(call: Call, cases: readonly Case[], rounds: number): Promise<Map<Case, Answer[]>> {
  const answers = new Map<Case, Answer[]>(cases.map((one) => [one, []]))
  let started = 0
  const progress = openProgress({ unit: 'cold starts', total: (rounds + 1) * cases.length, done: () => started })
  for (let round = 0; round <= rounds; round += 1) {
    for (const one of cases) {
      const answer = await call(one.door, one, one.isIdle)
      if (answer.status !== one.status) throw new Error(`${one.door} answered ${answer.status}: ${answer.text}`)
      if (round > 0) answers.get(one)?.push(answer)
      started += 1
    }
  }
  progress.end()
  return answers
}

function print(answers: ReadonlyMap<Case, readonly Answer[]>): boolean {
  const figures = [...answers].map(([{ door, limit }, all]) => ({
    ...{ door, limit, ms: median(all.map(({ ms }) => ms)), cpuMs: median(all.map(({ cpuMs }) => cpuMs)) },
    least: Math.min(...all.map(({ ms }) => ms)),
  }))
  const empty = figures.find(({ door }) => door === 'empty')
  if (!empty) throw new Error('the empty function was not measured')
  let isWithin = true
  console.log(
    `  ${'door'.padEnd(10)}${['ms', 'least', 'CPU ms', '× empty', 'limit'].map((head) => head.padStart(9)).join('')}`,
  )
  for (const { door, limit, ms, least, cpuMs } of figures) {
    const times = ms / empty.ms
    const isMissed = door !== 'empty' && times > limit
    isWithin &&= !isMissed
    const cells = [ms, least, cpuMs].map((value) => value.toFixed(0).padStart(9))
    const judged =
      door === 'empty'
        ? ''
        : `${times.toFixed(2).padStart(9)}${limit.toFixed(1).padStart(9)}${isMissed ? '  MISSED' : ''}`
    console.log(`  ${door.padEnd(10)}${cells.join('')}${judged}`)
  }
  return isWithin
}
