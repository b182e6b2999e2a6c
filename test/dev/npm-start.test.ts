// `npm start` as a service manager or a container ends it: SIGTERM to npm alone.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../simulator/ports.ts'

const run = promisify(execFile)

async function npmStart(): Promise<{ npm: ChildProcess; port: number; pids: number[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'stepgate-npm-start-'))
  const port = await freePort()
  const { REPLICATE_API_TOKEN: _, FAL_KEY: __, ...env } = process.env
  const npm = spawn('npm', ['start'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...env, PORT: String(port), STEPGATE_DATA: folder, LOG_FORMAT: 'json' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let pids: number[] = []
  onTestFinished(async () => {
    for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGKILL')
    await rm(folder, { recursive: true, force: true, maxRetries: 20 })
  })
  for await (const line of createInterface({ input: npm.stdout as NodeJS.ReadableStream })) {
    if (!line.includes('Stepgate is ready')) continue
    npm.stdout?.resume()
    pids = [npm.pid ?? 0, ...(await descendants(npm.pid ?? 0))]
    return { npm, port, pids }
  }
  throw new Error('npm start ended before it was ready')
}

async function descendants(root: number): Promise<number[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid='])
  const processes = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  const below = (parent: number): number[] =>
    processes.flatMap(([pid = 0, ppid]) => (ppid === parent ? [pid, ...below(pid)] : []))
  return below(root)
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function untilGone(pids: number[]): Promise<void> {
  while (pids.some(isAlive)) await pause(50)
}

test('SIGTERM to npm ends npm, the server and PostgreSQL, though a client never finishes its request', {
  timeout: 180_000,
}, async () => {
  const { npm, port, pids } = await npmStart()
  expect(pids.length).toBeGreaterThan(4)
  const client = connect(port, 'localhost')
  onTestFinished(() => void client.destroy())
  client.on('error', () => undefined)
  await once(client, 'connect')
  client.write('POST /api/upload HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\nexpect: 100-continue\r\n\r\n')
  // The interim answer says that the request is under way.
  await once(client, 'data')
  npm.kill('SIGTERM')
  await untilGone(pids)
})
