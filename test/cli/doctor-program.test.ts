// The doctor as an operator runs it: exit codes, a file of variables, a document for programs, and no secret in any of it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { run as runDoctor } from '../../cli/doctor.ts'
import { replicateSettings } from '../../providers/replicate/spec.ts'
import { useTestDeps } from '../setup/deps.ts'
import { runAlone, runHere } from './command.ts'

const app = await useTestDeps({ mounted: true })
const folder = await mkdtemp(join(tmpdir(), 'stepgate-doctor-'))
afterAll(() => rm(folder, { recursive: true }))
const { DATABASE_URL } = app.deps.config
const { REPLICATE_API_TOKEN, REPLICATE_BASE_URL, REPLICATE_WEBHOOK_SECRET } = replicateSettings(app.deps.config)
const secrets = { SESSION_SECRET: 'f3b0a9d2c47e61f85b0c9d1e2a7f4c6b', CRON_SECRET: '9a8b7c6d5e4f30211203f4e5d6c7b8a9' }
const env = {
  ...{ DATABASE_URL, REPLICATE_API_TOKEN, REPLICATE_BASE_URL, REPLICATE_WEBHOOK_SECRET },
  NETLIFY_BLOBS_CONTEXT: app.blobs.context,
  ...secrets,
}

const run = (words: string[], variables: Record<string, string | undefined>) => runHere(runDoctor, words, variables)

test('what is well ends with 0, one line a finding', async () => {
  const { code, out, err } = await runAlone('cli/doctor.ts', ['--env', '/dev/null'], env)
  expect([code, err], out).toEqual([0, ''])
  expect(out).toMatch(/^ok {4}database +PostgreSQL 18\S* answers over pg in \d+ ms$/m)
  expect(out).toMatch(/^warn {2}site +not checked, because PUBLIC_URL is not set here$/m)
  expect(out.trimEnd().split('\n').at(-1)).toMatch(/^0 FAIL, \d warn, \d ok$/)
})

test('variables of a file count where the process has none, and what fails ends with 1', async () => {
  const file = join(folder, 'deployment.env')
  const written = { ...env, CRON_SECRET: 'short', REPLICATE_API_TOKEN: 'r8_of_the_file' }
  await writeFile(
    file,
    Object.entries(written)
      .map(([name, value]) => `${name}="${value}"\n`)
      .join(''),
  )
  const { code, out } = await runAlone('cli/doctor.ts', ['--env', file], { REPLICATE_API_TOKEN })
  expect([code, out.split('\n')[0]], out).toEqual([
    1,
    expect.stringMatching(/^FAIL {2}environment +CRON_SECRET: must be at least 16 characters → /),
  ])
  expect(out).toMatch(/^ok {4}replicate +the key is accepted/m)
})

test('a program gets one document', async () => {
  const { code, out } = await run(['--json', '--env', '/dev/null'], { ...env, REPLICATE_API_TOKEN: 'r8_wrong-token' })
  const { ok, counts, findings } = JSON.parse(out)
  expect([code, ok, counts.FAIL]).toEqual([1, false, 1])
  expect(findings).toContainEqual({
    name: 'replicate',
    state: 'FAIL',
    says: '401: the key is refused',
    todo: 'Set REPLICATE_API_TOKEN to a key that is valid.',
  })
})

test('no secret is printed, whatever an answer or an error quotes', async () => {
  const password = 'tell-nobody%21'
  const odd = '100%-mine'
  const secret = {
    ...env,
    DATABASE_URL: `postgres://me:${password}@127.0.0.1:9/main`,
    REPLICATE_BASE_URL: `http://r8_in-an-address@127.0.0.1:9/v1/${REPLICATE_API_TOKEN}`,
    PUBLIC_URL: `${app.address}/${secrets.CRON_SECRET}`,
    NOTIFY_URL: `https://me:${odd}@app.example`,
    FAL_KEY: 'fal_secret-of-a-test',
    FAL_API_URL: 'http://127.0.0.1:9/fal_secret-of-a-test',
  }
  for (const words of [[], ['--json']]) {
    const { code, out, err } = await run(['--env', '/dev/null', ...words], secret)
    expect([code, err], out).toEqual([1, ''])
    const values = [password, odd, decodeURIComponent(password), REPLICATE_API_TOKEN, REPLICATE_WEBHOOK_SECRET]
    for (const value of [...values, ...Object.values(secrets), app.blobs.context, secret.FAL_KEY]) {
      expect(out).not.toContain(value)
    }
  }
})

test('what is not understood ends with 2 and the usage, and help is the usage', async () => {
  const unknown = await run(['--fast'], {})
  expect([unknown.code, unknown.out]).toEqual([2, ''])
  expect(unknown.err).toMatch(/Unknown option '--fast'[\s\S]*npm run doctor/)
  expect(await run(['--env', join(folder, 'none')], {})).toMatchObject({
    code: 2,
    err: expect.stringMatching(/ENOENT/),
  })
  expect(await run(['--help'], {})).toMatchObject({ code: 0, out: expect.stringMatching(/^npm run doctor/) })
})
