import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keptSecrets } from '../../dev/secrets.ts'

let folder: string
let file: URL

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stepgate-secrets-'))
  file = pathToFileURL(join(folder, 'secrets.json'))
})
afterEach(() => rm(folder, { recursive: true }))

test('secrets are made once, and kept', async () => {
  const made = await keptSecrets(file)
  expect(await keptSecrets(file)).toEqual(made)
  expect(new Set(Object.values(made)).size).toBe(Object.keys(made).length)
})

test('a file from before there was a second provider still works, and keeps what it has', async () => {
  const { FAL_KEY: _, ...before } = await keptSecrets(file)
  await writeFile(file, JSON.stringify(before))
  const kept = await keptSecrets(file)
  expect(kept).toMatchObject(before)
  expect((await keptSecrets(file)).FAL_KEY).toBe(kept.FAL_KEY)
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(before)
})

test('a file that cannot be read is said in a sentence, and nothing of it is told or lost', async () => {
  await writeFile(file, '{"CRON_SECRET": "half of a se')
  await expect(keptSecrets(file)).rejects.toThrow(/secrets\.json can't be read: put it back, or delete it/)
  await expect(keptSecrets(file)).rejects.not.toThrow('half of')
  expect(await readFile(file, 'utf8')).toContain('half of')
})
