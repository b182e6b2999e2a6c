// The engines that are set side by side, each as a process of its own on an empty database. This says how each is started; how
// a peer is used, with what settings, is in its file under engines/.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../simulator/ports.ts'
import { untilServing } from '../../test/setup/serve.ts'
import { cpuSecondsOfTree, peakMegabytes } from './processes.ts'
import { type World, webhookSecret } from './provider.ts'
import { schemaFile } from './schema.ts'

export const peers = ['absurd', 'openworkflow', 'dbos', 'pg-boss', 'graphile-worker'] as const
export const engineNames = ['stepgate', ...peers, 'floor'] as const
export type EngineName = (typeof engineNames)[number]

export interface Engine {
  url: string
  cpuSeconds(): Promise<number>
  peakMegabytes(): Promise<number>
  stop(): Promise<void>
}

interface StartOptions {
  name: EngineName
  database: string
  world: World
  /** Where Stepgate's sources are: another version's, to compare. */
  root?: string | undefined
}

const here = fileURLToPath(new URL('../..', import.meta.url))
const cronSecret = 'cron-secret-of-a-benchmark'

export async function startEngine({ name, database, world, root = here }: StartOptions): Promise<Engine> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const isOwn = name === 'stepgate'
  const file = isOwn ? 'dev/serve.ts' : fileURLToPath(new URL(`../engines/${name}.ts`, import.meta.url))
  const env = {
    PATH: process.env['PATH'],
    PORT: String(port),
    DATABASE_URL: database,
    ...(isOwn ? stepgateEnv(world, url) : { WORLD_URL: world.url, PUBLIC_URL: url, WEBHOOK_SECRET: webhookSecret }),
    ...(name === 'absurd' && { ABSURD_SQL: await schemaFile() }),
  }
  // Another version brings its own table.
  if (isOwn)
    execFileSync(process.execPath, ['db/migrate.ts'], { cwd: root, env, stdio: ['ignore', 'ignore', 'inherit'] })
  const child = spawn(process.execPath, [file], { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] })
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
  await untilServing(url, child)
  const pid = child.pid as number
  return {
    url,
    cpuSeconds: () => cpuSecondsOfTree(pid),
    peakMegabytes: () => peakMegabytes(pid),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** As a deployment is told: webhooks on, every limit and interval at its default, but for what may be spent in a day. */
function stepgateEnv(world: World, url: string): Record<string, string> {
  const store = { edgeURL: world.url, uncachedEdgeURL: world.url, siteID: 'blobs', token: 'a-token', deployID: '0' }
  return {
    LOG_LEVEL: 'error',
    ...{ BUDGET_PER_DAY: 'off', BUDGET_PER_USER_PER_DAY: 'off' },
    NETLIFY_BLOBS_CONTEXT: Buffer.from(JSON.stringify({ ...store, primaryRegion: 'us-east-2' })).toString('base64'),
    CRON_SECRET: cronSecret,
    SESSION_SECRET: 'session-secret-of-a-benchmark-32',
    REPLICATE_API_TOKEN: 'r8_token-of-a-benchmark',
    REPLICATE_BASE_URL: `${world.url}/v1`,
    REPLICATE_WEBHOOK_SECRET: webhookSecret,
    PUBLIC_URL: url,
    ALLOW_HTTP_CALLBACKS: '1',
    ALLOW_PRIVATE_IMAGES: '1',
  }
}

/** Why an engine can't be run here, if it can't. */
export async function missingOf(name: EngineName): Promise<string | undefined> {
  const packages = { absurd: 'absurd-sdk', dbos: '@dbos-inc/dbos-sdk', stepgate: '', floor: '' }
  const wanted = name in packages ? packages[name as keyof typeof packages] : name
  if (wanted && !existsSync(new URL(`../node_modules/${wanted}`, import.meta.url))) return `${wanted} is not installed`
  if (name !== 'absurd') return undefined
  return schemaFile().then(
    () => undefined,
    (error: Error) => error.message,
  )
}
