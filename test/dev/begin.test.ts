// What a local server says when it can't begin: a sentence, and no stack.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { addressOf } from '../../dev/begin.ts'
import { root } from '../docs/documents.ts'

const run = promisify(execFile)
const { PATH, NODE_COMPILE_CACHE } = process.env

async function refusalOf(port: string): Promise<string> {
  return refusal('dev/serve.ts', { PORT: port })
}

async function refusal(program: string, own: Record<string, string>, words: string[] = []): Promise<string> {
  const env = { PATH, NODE_COMPILE_CACHE, LOG_LEVEL: 'error', ...own }
  const ended = run(process.execPath, [program, ...words], { cwd: root, env })
  const { code, stderr } = await ended.then(
    () => expect.fail('it began'),
    (error: { code: number; stderr: string }) => error,
  )
  expect(code).toBe(1)
  return stderr.trim()
}

test('a PORT that is none', async () => {
  expect(await refusalOf('abc')).toBe('PORT must be a whole number up to 65535, not "abc".')
})

test.each([
  ['dev/serve.ts', /^There is no option "--port"\. In the environment: PORT, HOST/],
  ['simulator/serve.ts', /^There is no option "--port"\. In the environment: SIMULATOR_PORT\.$/],
])('an option of %s, which takes none', async (program, why) => {
  const own = { PORT: '0', SIMULATOR_PORT: '0' }
  expect(await refusal(program, own, ['--port', '3000'])).toMatch(why)
})

test('a PORT that somebody else has', async () => {
  const other = createServer().listen(0)
  onTestFinished(() => void other.close())
  const address = other.address()
  const port = typeof address === 'object' ? address?.port : 0
  expect(await refusalOf(String(port))).toBe(`Port ${port} is in use. Stop what uses it, or set PORT to another.`)
})

test('the port of the simulator, which is not PORT, and an environment that is wrong', async () => {
  expect(await refusal('simulator/serve.ts', { SIMULATOR_PORT: 'abc' })).toBe(
    'SIMULATOR_PORT must be a whole number up to 65535, not "abc".',
  )
  expect(await refusal('dev/serve.ts', { CRON_SECRET: 'short' })).toBe(
    'Wrong environment:\n  CRON_SECRET: must be at least 16 characters',
  )
})

test('what listens on this machine alone is reached as localhost, and anything else by its own name', () => {
  expect(['', '127.0.0.1', '0.0.0.0', '::'].map((host) => addressOf(8888, host))).toEqual(
    Array(4).fill('http://localhost:8888'),
  )
  expect(addressOf(80, '192.168.1.5')).toBe('http://192.168.1.5:80')
  expect(addressOf(80, 'fd00::1')).toBe('http://[fd00::1]:80')
})

test('a folder that holds something else than a database', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stepgate-begin-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'postgres'))
  await writeFile(join(folder, 'postgres', 'notes.txt'), '')
  expect(await refusal('dev/start.ts', { STEPGATE_DATA: folder, LOG_FORMAT: 'json' })).toBe(
    `${join(folder, 'postgres')} is neither empty nor a PostgreSQL data directory: use another folder.`,
  )
})
