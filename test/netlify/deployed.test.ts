// What a deploy puts up, as far as it can be had here: the production build, packed by Netlify's bundler, run by Netlify's bootstrap behind
// the routes of its manifest, with the page beside it, in a process of its own. The README's walk is done on that, over HTTP.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { fileTypeFromBuffer } from 'file-type'
import { afterAll, expect, test } from 'vitest'
import { startBlobs } from '../../dev/blobs.ts'
import { startSimulator } from '../../simulator/server.ts'
import { fencesOf, readDocument, root, sectionOf } from '../docs/documents.ts'
import { createDatabase } from '../setup/database.ts'
import { cronSecret, replicateToken, sessionSecret, webhookSecret } from '../setup/deps.ts'

const folder = await mkdtemp(join(tmpdir(), 'stepgate-deployed-'))
const database = await createDatabase()
const blobs = await startBlobs(join(folder, 'blobs'))
const simulator = await startSimulator({ port: 0, replicateToken, webhookSecret, secondsPerStep: 0.3 })
const deployment = spawn(process.execPath, [fileURLToPath(new URL('dev/serve-built.ts', root))], {
  env: {
    PATH: process.env['PATH'],
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
    PORT: '0',
    DATABASE_URL: database.url,
    NETLIFY_BLOBS_CONTEXT: blobs.context,
    CRON_SECRET: cronSecret,
    SESSION_SECRET: sessionSecret,
    REPLICATE_API_TOKEN: replicateToken,
    REPLICATE_BASE_URL: `${simulator.url}/v1`,
    REPLICATE_WEBHOOK_SECRET: webhookSecret,
    // Nobody reports: polls and what follows an answer move the task.
    PUBLIC_URL: 'http://localhost',
    ALLOW_PRIVATE_IMAGES: '1',
  },
  stdio: ['ignore', 'pipe', 'inherit'],
})
const address = await addressOf(deployment)
const asCron = { headers: { authorization: `Bearer ${cronSecret}` } }

afterAll(async () => {
  deployment.kill('SIGINT')
  const [code] = await once(deployment, 'exit')
  await Promise.all([simulator.close(), database.drop(), blobs.stop()])
  await rm(folder, { recursive: true })
  expect(code).toBe(0)
})

test('the walk of the README ends on the built functions with its pictures on disk', { timeout: 120_000 }, async () => {
  const script = fencesOf(sectionOf(await readDocument('README.md'), '## Try it'), 'sh').join('\n')
  const env = { ...process.env, STEPGATE: address }
  const { stdout } = await promisify(execFile)('sh', ['-c', script], { cwd: folder, env })
  expect(stdout).toContain('step 1: waiting_continue\nstep 2: waiting_continue\nstep 3: completed\n')
  const picture = await readFile(join(folder, 'try-on.jpg'))
  expect((await fileTypeFromBuffer(picture))?.mime).toBe('image/jpeg')
})

test('the built upload draws an image anew, and keeps it for its owner', async () => {
  const { token } = (await (await fetch(`${address}/api/session`, { method: 'POST' })).json()) as { token: string }
  const image = await (await fetch(`${address}/samples/shirt.png`)).bytes()
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(`${address}/api/upload`, { method: 'POST', headers, body: image })
  const { url } = (await response.json()) as { url: string }
  const kept = await fetch(`${address}${url}`, { headers })
  expect(kept.headers.get('content-type')).toBe('image/png')
})

test.each(['worker', 'checker', 'recover'])('the built %s takes a ping', async (name) => {
  const response = await fetch(`${address}/api/${name}`, asCron)
  expect(await response.json()).toMatchObject({ idle: expect.any(Boolean) })
})

test.each(['health', 'openapi.json'])('the built %s answers', async (name) => {
  const response = await fetch(`${address}/api/${name}`)
  expect(response.status).toBe(200)
})

async function addressOf({ stdout }: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: stdout as NodeJS.ReadableStream })) {
    const address = /"address":"(http:[^"]+)"/.exec(line)?.[1]
    if (!address) continue
    stdout?.resume()
    return address
  }
  throw new Error('the build was not served')
}
