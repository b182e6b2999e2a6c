import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { bundleDoor, findDropped } from './bundle.ts'

const folder = (path: string) => new URL(path, import.meta.url)

test('Netlify sees path, method, schedule and rate limit of every door', async () => {
  expect(await findDropped(folder('../../netlify/functions/'))).toEqual([])
})

test('finds nothing to say against doors with literals', async () => {
  expect(await findDropped(folder('fixtures/good/'))).toEqual([])
})

test('names each door of whose config something is dropped, and what', async () => {
  const advice = 'write it as a plain literal, typed `: Config`.'
  expect(await findDropped(folder('fixtures/dropped/'))).toEqual([
    `Door as-const declares path ["/api/as-const"], but Netlify sees []: ${advice}`,
    `Door as-const declares method ["GET"], but Netlify sees []: ${advice}`,
    `Door identifier declares method ["POST"], but Netlify sees []: ${advice}`,
    `Door identifier declares rateLimit [30,60,["domain"]], but Netlify sees null: ${advice}`,
    `Door template declares path ["/api/template"], but Netlify sees []: ${advice}`,
  ])
})

test('a bundled door has all that it needs', async () => {
  const out = await mkdtemp(join(tmpdir(), 'stepgate-door-'))
  onTestFinished(() => rm(out, { recursive: true }))
  // It loads outside of the checkout, and comes as far as the environment that it does not have here.
  const script = `const door = await import(process.argv[1])
    const response = await door.default(new Request('http://localhost/api/start', { method: 'POST' }), {})
    console.log(response.status, (await response.json()).code)`
  const args = ['--input-type=module', '--eval', script, await bundleDoor('start', out)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: {} })
  expect(stdout).toBe('503 not_configured\n')
})
