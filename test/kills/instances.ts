// Real instances to kill: the doors, as `npm run serve` serves them, in processes of their own on one database, one store and one simulator.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type GateOptions, renewedContext, startBlobGate } from '../../dev/blob-gate.ts'
import { startBlobs } from '../../dev/blobs.ts'
import { freePort } from '../../simulator/ports.ts'
import { type Simulator, startSimulator } from '../../simulator/server.ts'
import { openFolderStore } from '../../storage/folder/store.ts'
import { openS3Store } from '../../storage/s3/store.ts'
import type { OpenStore } from '../../storage/store.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'
import { startS3 } from '../setup/s3.ts'
import { untilServing } from '../setup/serve.ts'
import { bundleServer } from './bundle.ts'

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
  /** The store, past whatever holds an instance's calls. */
  openStore: OpenStore
  /** Waits until it answers. Several may run; webhooks go to the first port. */
  start(index?: number): Promise<Instance>
  close(): Promise<void>
}

export interface FieldOptions {
  instances: number
  secondsPerStep: number
  store: 'folder' | 'netlify' | 's3'
  /** Holds the instances' calls to Netlify's store. */
  admit?: GateOptions['admit']
}

export async function openField(options: FieldOptions): Promise<Field> {
  const folder = await mkdtemp(join(tmpdir(), 'stepgate-kills-'))
  const [server, database, store, simulator] = await Promise.all([
    bundleServer(),
    createDatabase(),
    openStore(options, folder),
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
    openStore: store.open,
    start: async (index = 0) => {
      const instance = await startInstance(server, { ...env, PORT: String(ports[index]) })
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

interface LocalStore {
  env: Record<string, string>
  open: OpenStore
  stop(): Promise<void>
}

async function openStore({ store: kind, admit }: FieldOptions, folder: string): Promise<LocalStore> {
  if (kind === 's3') {
    const { access, ...s3 } = await startS3(folder)
    return { ...s3, open: (name) => openS3Store(access, name) }
  }
  if (kind === 'folder') {
    const open = (name: string) => openFolderStore(folder, name)
    return { env: { STORAGE_DIR: folder }, open, stop: async () => undefined }
  }
  const blobs = await startBlobs(folder)
  const gate = await startBlobGate(blobs.context, { admit })
  const stop = async () => {
    await gate.stop()
    await blobs.stop()
  }
  return { env: { NETLIFY_BLOBS_CONTEXT: renewedContext(gate) }, open: blobs.store, stop }
}

async function startInstance(server: string, env: Record<string, string | undefined>): Promise<Instance> {
  const child = spawn(process.execPath, [server], { env, stdio: ['ignore', 'inherit', 'inherit'] })
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
export async function ping(instance: Instance, name: 'worker' | 'checker' | 'recover' = 'worker'): Promise<void> {
  await fetch(`${instance.url}/api/${name}?key=${cronSecret}`).catch(() => undefined)
}

/** Between two pings or two looks at a process: time that really passes for real processes. */
/** Asks again and again, like a monitor: what happens in other processes can't be waited for. */
export async function until(isSo: () => boolean | Promise<boolean>, everyMs = 50): Promise<void> {
  for (let tries = 0; tries < 3_000; tries += 1) {
    if (await isSo()) return
    await pause(everyMs)
  }
  throw new Error('it never came to that')
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
