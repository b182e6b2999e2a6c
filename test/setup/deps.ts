// The endpoints with everything real around them, for tests of endpoints and whole stories: dependencies as netlify/runtime.ts makes
// them, on a database, a blob store and a provider simulator of their own, and a client that calls the endpoints in-process.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { v7 } from 'uuid'
import { afterAll, beforeEach, expect } from 'vitest'
import type { Config } from '../../core/config.ts'
import { connect } from '../../db/driver/connect.ts'
import { type LocalBlobs, startBlobs } from '../../dev/blobs.ts'
import type { Deps } from '../../engine/deps.ts'
import { openLog } from '../../engine/log.ts'
import { parseConfig } from '../../providers/config.ts'
import { type Http, openHttp } from '../../providers/http.ts'
import { openProviders, ownHosts } from '../../providers/index.ts'
import { openRecipes } from '../../recipes/index.ts'
import { type Simulator, startSimulator } from '../../simulator/server.ts'
import { openFiles } from '../../storage/files.ts'
import { openInstants } from '../../storage/instants.ts'
import type { OpenStore } from '../../storage/store.ts'
import { openWakeMark } from '../../storage/wake.ts'
import { type Client, openClient } from './client.ts'
import type { TestClock } from './clock.ts'
import { createDatabase, type TestDatabase } from './database.ts'
import { type MountedRooms, mountRooms } from './mount.ts'

export interface InstanceOptions {
  /** Added to the environment of a test; undefined takes a variable away. */
  env?: Record<string, string | undefined>
  /** What an environment can't say, such as a deadline of milliseconds. */
  config?: Partial<Config>
  /** Stands in the way of requests to the provider: a barrier, or a process that dies there. */
  http?: (real: Http) => Http
  /** Rules how long endpoints are patient. Under a clock of the test's they are for ever: a slow machine makes nothing late. */
  wait?: Deps['wait']
  /** What it has begun may never end: settle() of the first instance leaves it alone. */
  isApart?: boolean
}

export interface TestOptions extends InstanceOptions {
  /** Rules the endpoints, their statements and the simulator. Without one, time is real. */
  clock?: TestClock
  /** Whether the simulator fetches its inputs and draws. */
  drawing?: boolean
  /** The endpoints are reachable over HTTP: webhooks are asked for, and providers are given links to stored images. */
  mounted?: boolean
  /** Instead of Netlify's local blob server. */
  store?: OpenStore
  /** The folder of the page, served beside the mounted endpoints. */
  page?: URL
}

/** One container's worth of dependencies, and a client of the endpoints that run on them. */
export interface Instance extends Client {
  deps: Deps
}

export interface TestDeps extends Instance {
  /** Where the endpoints are mounted. */
  address: string
  database: TestDatabase
  blobs: LocalBlobs
  simulator: Simulator
  /** Everything that was logged, one object a line. */
  logged: Record<string, unknown>[]
  /** One more container on the same database, blob store and simulator. Closed with the first. */
  openInstance(options?: InstanceOptions): Instance
  /** No task, no prediction, no fault; settings and pauses as at the start. */
  reset(): Promise<void>
  close(): Promise<void>
}

export const cronSecret = 'cron-secret-of-a-test'
export const sessionSecret = 'session-secret-of-a-test-32-bytes'
export const webhookSecret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'
export const replicateToken = 'r8_token-of-a-test'
const falKey = 'fal_key-of-a-test'

/** All that tests leave rows in but the ledger, which keeps what was paid for. */
const tables = [
  ...['tasks', 'task_events', 'outbox', 'shares', 'providers', 'erasures', 'ended_sessions'],
  ...['daily_starts', 'spending', 'switches', 'listeners'],
]

/** For a whole file: opened at once, emptied before each test, closed at the end. */
export async function useTestDeps(options: TestOptions = {}): Promise<TestDeps> {
  const app = await openTestDeps(options)
  beforeEach(() => app.reset())
  afterAll(() => app.close())
  return app
}

export async function openTestDeps(options: TestOptions = {}): Promise<TestDeps> {
  const folder = await mkdtemp(join(tmpdir(), 'stepgate-blobs-'))
  const { clock } = options
  const [database, blobs, simulator, mounted] = await Promise.all([
    createDatabase(),
    startBlobs(folder),
    startSimulator({
      ...{ port: 0, replicateToken, falKey, webhookSecret, secondsPerStep: 4, drawing: options.drawing ?? false },
      now: clock?.now,
    }),
    options.mounted ? mountRooms(options.page) : undefined,
  ])
  const logged: Record<string, unknown>[] = []
  const stage: Stage = { database, blobs, store: options.store ?? blobs.store, simulator, mounted, logged, clock }
  const first = openInstance(stage, options)
  mounted?.serve(first.deps)
  const instances = [first]
  const settling = [first]
  return {
    ...first,
    ...{ database, blobs, simulator, logged, address: mounted?.address ?? '' },
    settle: async () => {
      for (const one of settling) await one.settle()
      await mounted?.drain()
    },
    openInstance: (more = {}) => {
      const instance = openInstance(stage, more)
      instances.push(instance)
      if (!more.isApart) settling.push(instance)
      return instance
    },
    reset: async () => {
      await untilNoWebhook(simulator)
      await mounted?.drain()
      simulator.replicate.reset()
      simulator.fal.reset()
      // Truncate is much slower for the few rows that a test leaves, and every connection plans its statements anew after it.
      const emptied = tables.map((table) => `delete from ${table};`).join(' ')
      await sql.raw(`begin; set local session_replication_role = replica; ${emptied} commit`).execute(first.deps.db)
      logged.length = 0
    },
    close: async () => {
      await mounted?.close()
      await Promise.all(instances.map(({ deps }) => Promise.all([deps.http.close(), deps.db.destroy()])))
      await simulator.close()
      await database.drop()
      await blobs.stop()
      await rm(folder, { recursive: true })
    },
  }
}

/** A webhook of the test before would arrive in this one, and be counted here. */
async function untilNoWebhook({ replicate, fal }: Simulator): Promise<void> {
  replicate.set({ webhooks: false })
  fal.set({ webhooks: false })
  const inFlight = () =>
    [replicate.till().webhooks, fal.till().webhooks].map(({ sent, delivered, refused }) => sent - delivered - refused)
  await expect.poll(inFlight, { interval: 2 }).toEqual([0, 0])
}

interface Stage extends Pick<TestDeps, 'database' | 'blobs' | 'simulator' | 'logged'> {
  mounted: MountedRooms | undefined
  store: OpenStore
  clock: TestClock | undefined
}

function openInstance(stage: Stage, { env, config: more, http: wrap = (real) => real, wait }: InstanceOptions) {
  const config = { ...parseConfig({ ...environment(stage), ...env }), ...more }
  const real = openHttp({ connections: config.HTTP_CONCURRENCY, own: ownHosts(config) })
  const http = wrap(real)
  const { db } = connect(config.DATABASE_URL ?? '')
  const { clock, logged } = stage
  const deps: Deps = {
    config,
    http,
    db,
    log: openLog({ LOG_LEVEL: 'debug', LOG_FORMAT: 'json' }, { write: (line) => logged.push(JSON.parse(line)) }),
    files: openFiles(stage.store('files')),
    wake: openWakeMark(stage.store('wake'), { now: clock?.now ?? (() => new Date()) }),
    instants: openInstants(stage.store('instants'), clock?.now ?? (() => new Date())),
    providers: openProviders(config, http),
    recipes: openRecipes({ hosts: config.IMAGE_HOSTS, allowPrivate: config.ALLOW_PRIVATE_IMAGES }),
    newId: v7,
    ...(clock && { now: clock.now }),
    ...(wait ? { wait } : clock && { wait: () => new Promise(() => undefined) }),
  }
  return { deps, ...openClient(deps) }
}

const environment = ({ database, simulator, mounted }: Stage) => ({
  DATABASE_URL: database.url,
  REPLICATE_API_TOKEN: replicateToken,
  REPLICATE_BASE_URL: `${simulator.url}/v1`,
  REPLICATE_WEBHOOK_SECRET: webhookSecret,
  FAL_KEY: falKey,
  FAL_QUEUE_URL: `${simulator.url}/fal/queue`,
  FAL_API_URL: `${simulator.url}/fal/api`,
  FAL_JWKS_URL: `${simulator.url}/fal/jwks.json`,
  CRON_SECRET: cronSecret,
  SESSION_SECRET: sessionSecret,
  ALLOW_PRIVATE_IMAGES: '1',
  // Most tests start more than a careful deployment would let through; those of money say what they may cost.
  BUDGET_PER_DAY: 'off',
  BUDGET_PER_USER_PER_DAY: 'off',
  ...(mounted && { PUBLIC_URL: mounted.address, ALLOW_HTTP_CALLBACKS: '1' }),
})
