// `npm run serve` on a machine of one's own, with a database, secrets, a provider's key and a folder, and nothing else: a task to its picture,
// who may read what it keeps, and its end. The README's walk is test/docs/walk.test.ts's, on the same doors.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fileTypeFromBuffer } from 'file-type'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../simulator/ports.ts'
import { startSimulator } from '../../simulator/server.ts'
import { root } from '../docs/documents.ts'
import { createDatabase } from '../setup/database.ts'
import { cronSecret, replicateToken, sessionSecret, webhookSecret } from '../setup/deps.ts'
import { untilServing } from '../setup/serve.ts'

const { PATH, NODE_COMPILE_CACHE } = process.env

test('a task ends with its picture, and what is kept of it on disk is its owner’s alone', {
  timeout: 300_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stepgate-serve-'))
  const [database, simulator, port] = await Promise.all([
    createDatabase(),
    startSimulator({ port: 0, replicateToken, webhookSecret, secondsPerStep: 0.3 }),
    freePort(),
  ])
  const storage = join(folder, 'kept', 'files')
  const server = spawn(process.execPath, [fileURLToPath(new URL('dev/serve.ts', root))], {
    env: {
      ...{ PATH, NODE_COMPILE_CACHE, PORT: String(port), LOG_LEVEL: 'warn' },
      ...{ DATABASE_URL: database.url, CRON_SECRET: cronSecret, SESSION_SECRET: sessionSecret, STORAGE_DIR: storage },
      ...{ REPLICATE_API_TOKEN: replicateToken, REPLICATE_BASE_URL: `${simulator.url}/v1` },
      // The walk's own pictures lie on this machine.
      ALLOW_PRIVATE_IMAGES: '1',
    },
    stdio: 'inherit',
  })
  onTestFinished(async () => {
    await end(server)
    await Promise.all([simulator.close(), database.drop()])
    await rm(folder, { recursive: true })
  })
  const address = `http://localhost:${port}`
  await untilServing(address, server)
  expect((await fileTypeFromBuffer(await dressed(address)))?.mime).toBe('image/jpeg')
  for (const name of await readdir(storage, { recursive: true })) {
    const { mode } = await stat(join(storage, name))
    expect([name, mode & 0o077]).toEqual([name, 0])
  }
  expect(await end(server)).toBe(0)
})

/** The picture of a task of one step. */
async function dressed(address: string): Promise<Uint8Array> {
  const { token } = (await (await fetch(`${address}/api/session`, { method: 'POST' })).json()) as { token: string }
  const headers = { authorization: `Bearer ${token}` }
  const [person_image, garment] = ['person.jpg', 'shirt.png'].map((name) => `${address}/samples/${name}`)
  const body = JSON.stringify({ person_image, garments: [garment] })
  const started = await fetch(`${address}/api/start`, { method: 'POST', headers, body })
  const { task_id } = (await started.json()) as { task_id: string }
  const view = async () => {
    const answer = await fetch(`${address}/api/status?task_id=${task_id}`, { headers })
    return (await answer.json()) as { status: string; result_url: string }
  }
  await expect.poll(view, { interval: 200 }).toMatchObject({ status: 'completed' })
  return (await fetch(`${address}${(await view()).result_url}`, { headers })).bytes()
}

async function end(server: ChildProcess): Promise<number | null> {
  if (server.exitCode === null) {
    server.kill('SIGTERM')
    await once(server, 'exit')
  }
  return server.exitCode
}
