// Real instances to kill: `npm run serve` as processes of their own on one database, one store and one simulator.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBlobs } from '../../dev/blobs.ts'
import { freePort, untilServing } from '../../dev/reach.ts'
import { type Simulator, startSimulator } from '../../simulator/server.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'
import { startS3 } from '../setup/s3.ts'

const token = 'r8_token-of-a-test'
const cronSecret = 'cron-secret-of-a-test'
const webhookSecret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'

export interface Instance {
  url: string
  kill(): Promise<void>
}

export interface Field {
  database: TestDatabase
  simulator: Simulator
  /** Where the store has its files. */
  folder: string
  /** Waits until it answers. Several may run; webhooks go to the first port. */
  start(index?: number): Promise<Instance>
  close(): Promise<void>
}

export interface FieldOptions {
  instances: number
  secondsPerStep: number
  store: 'folder' | 'netlify' | 's3'
}

export async function openField(options: FieldOptions): Promise<Field> {
  const folder = await mkdtemp(join(tmpdir(), 'stepgate-kills-'))
  const [database, store, simulator] = await Promise.all([
    createDatabase(),
    openStore(options.store, folder),
    startSimulator({
      port: 0,
      replicateToken: token,
      webhookSecret,
      drawing: false,
      secondsPerStep: options.secondsPerStep,
    }),
  ])
  const ports = await Promise.all(Array.from({ length: options.instances }, freePort))
  const env = {
    PATH: process.env['PATH'],
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
    LOG_LEVEL: 'error',
    DATABASE_URL: database.url,
    ...store.env,
    CRON_SECRET: cronSecret,
    SESSION_SECRET: 'session-secret-of-a-test-32-bytes',
    REPLICATE_API_TOKEN: token,
    REPLICATE_BASE_URL: `${simulator.url}/v1`,
    REPLICATE_WEBHOOK_SECRET: webhookSecret,
    PUBLIC_URL: `http://localhost:${ports[0]}`,
    ALLOW_HTTP_CALLBACKS: '1',
    ALLOW_PRIVATE_IMAGES: '1',
    BUDGET_PER_DAY: 'off',
    BUDGET_PER_USER_PER_DAY: 'off',
    // The processes here die within a moment, so that nobody needs to wait as long as for a function.
    SUBMIT_LEASE_SECONDS: '3',
    SUBMIT_TIMEOUT_SECONDS: '2',
    SUBMIT_GRACE_SECONDS: '6',
  }
  const living = new Set<Instance>()
  return {
    database,
    simulator,
    folder,
    start: async (index = 0) => {
      const instance = await startInstance({ ...env, PORT: String(ports[index]) })
      living.add(instance)
      return instance
    },
    close: async () => {
      await Promise.all([...living].map((instance) => instance.kill()))
      await simulator.close()
      await store.stop()
      await database.drop()
      await rm(folder, { recursive: true })
    },
  }
}

async function openStore(kind: FieldOptions['store'], folder: string) {
  if (kind === 's3') return startS3(folder)
  if (kind === 'folder') return { env: { STORAGE_DIR: folder }, stop: async () => undefined }
  const blobs = await startBlobs(folder)
  return { env: { NETLIFY_BLOBS_CONTEXT: blobs.context }, stop: () => blobs.stop() }
}

async function startInstance(env: Record<string, string | undefined>): Promise<Instance> {
  const child = spawn(process.execPath, ['dev/serve.ts'], { env, stdio: ['ignore', 'inherit', 'inherit'] })
  const url = `http://localhost:${env['PORT']}`
  await untilServing(url, child)
  return {
    url,
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** A user of the instance. */
export async function signIn(instance: Instance): Promise<Record<string, string>> {
  const response = await fetch(`${instance.url}/api/session`, { method: 'POST' })
  const { token: session } = (await response.json()) as { token: string }
  return { authorization: `Bearer ${session}` }
}

/** A task of `steps` garments that goes on to its end without asking. */
export async function startTask(instance: Instance, headers: Record<string, string>, steps: number): Promise<string> {
  const garments = Array.from({ length: steps }, (_, index) => `https://images.test/garment-${index}.png`)
  const body = JSON.stringify({ person_image: 'https://images.test/person.png', garments, auto_continue: true })
  const response = await fetch(`${instance.url}/api/start`, { method: 'POST', headers, body })
  if (response.status !== 202) throw new Error(`start answered ${response.status}: ${await response.text()}`)
  return ((await response.json()) as { task_id: string }).task_id
}

/** A ping as a cron service sends it: whatever becomes of it, the next one follows. */
export async function ping(instance: Instance, name: 'worker' | 'checker' = 'worker'): Promise<void> {
  await fetch(`${instance.url}/api/${name}?key=${cronSecret}`).catch(() => undefined)
}

/** Between two pings or two looks at a process: time that really passes for real processes. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
