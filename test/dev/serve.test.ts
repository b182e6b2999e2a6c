// `npm run serve` on a machine of one's own, with a database, secrets, a provider's key and a folder, and nothing else: the README's walk,
// who may read what it keeps, and its end.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { fileTypeFromBuffer } from 'file-type'
import { expect, onTestFinished, test } from 'vitest'
import { freePort, untilServing } from '../../dev/reach.ts'
import { startSimulator } from '../../simulator/server.ts'
import { fencesOf, readDocument, root, sectionOf } from '../docs/documents.ts'
import { createDatabase } from '../setup/database.ts'
import { cronSecret, replicateToken, sessionSecret, webhookSecret } from '../setup/deps.ts'

const run = promisify(execFile)

test('the walk of the README ends with its pictures on disk, which are their owner’s alone', {
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
      ...{ PATH: process.env['PATH'], PORT: String(port), LOG_LEVEL: 'warn' },
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
  const script = fencesOf(sectionOf(await readDocument('README.md'), '## Try it'), 'sh').join('\n')
  const { stdout } = await run('sh', ['-c', script], { cwd: folder, env: { ...process.env, STEPGATE: address } })
  expect(stdout).toContain('step 3: completed\n')
  expect((await fileTypeFromBuffer(await readFile(join(folder, 'try-on.jpg'))))?.mime).toBe('image/jpeg')
  for (const name of await readdir(storage, { recursive: true })) {
    const { mode } = await stat(join(storage, name))
    expect([name, mode & 0o077]).toEqual([name, 0])
  }
  expect(await end(server)).toBe(0)
})

async function end(server: ChildProcess): Promise<number | null> {
  if (server.exitCode === null) {
    server.kill('SIGTERM')
    await once(server, 'exit')
  }
  return server.exitCode
}
