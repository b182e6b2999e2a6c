// What a local server says when it can't begin: a sentence, and no stack.
import { execFile } from 'node:child_process'
import { createServer } from 'node:net'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { root } from '../docs/documents.ts'

const run = promisify(execFile)

async function refusalOf(port: string): Promise<string> {
  const env = { PATH: process.env['PATH'], PORT: port, LOG_LEVEL: 'error' }
  const ended = run(process.execPath, ['dev/serve.ts'], { cwd: root, env })
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

test('a PORT that somebody else has', async () => {
  const other = createServer().listen(0)
  onTestFinished(() => void other.close())
  const address = other.address()
  const port = typeof address === 'object' ? address?.port : 0
  expect(await refusalOf(String(port))).toBe(`Port ${port} is in use. Stop what uses it, or set PORT to another.`)
})
