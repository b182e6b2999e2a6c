// A provider of its own, added as docs/providers.md says: a spec, its code, one entry in the list. A task runs on it to its end.

import { expect, test } from 'vitest'
import * as z from 'zod'
import type { Recipe } from '../../core/recipe.ts'
import { cap, text, url } from '../../core/settings.ts'
import { parseConfig } from '../../providers/config.ts'
import { openProviders, ownHosts, providers } from '../../providers/index.ts'
import { readAnswer, readCancel, readCreate } from '../../providers/outcome.ts'
import { type ProviderSpec, readSettings } from '../../providers/spec.ts'
import { wordsOf } from '../../providers/words.ts'
import { blank } from '../../simulator/draw.ts'
import { readDocument, rowsOf, sectionOf } from '../docs/documents.ts'
import { begun, isOver, pingUntil } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import { serve } from '../setup/serve.ts'

const environment = { TOY_KEY: text, TOY_URL: url('https://api.toy.example'), TOY_CONCURRENCY: cap }
const answered = z.object({
  id: z.string(),
  state: z.enum(['busy', 'done']).default('busy'),
  file: z.string().optional(),
})

const toy: ProviderSpec = {
  name: 'toy',
  title: 'Toy',
  environment,
  key: 'TOY_KEY',
  secrets: ['TOY_KEY'],
  cap: 'TOY_CONCURRENCY',
  hosts: ['TOY_URL'],
  listsRunning: false,
  async open(config, http) {
    const { TOY_KEY, TOY_URL } = readSettings(environment, config)
    const headers = { authorization: `Toy ${TOY_KEY}` }
    const timeoutMs = config.CHECK_TIMEOUT_SECONDS * 1000
    const send = (method: 'GET' | 'POST', path: string, body?: unknown) =>
      http.send({ method, url: TOY_URL + path, headers, timeoutMs, ...(body !== undefined && { body }) })
    const reasonOf = ({ status, body }: { status: number; body: unknown }) => `Toy answered ${status}: ${wordsOf(body)}`
    const check = (id: string) =>
      readAnswer(send('GET', `/jobs/${id}`), ({ body }) => {
        const { data } = answered.safeParse(body)
        return data?.state === 'done' ? { kind: 'succeeded' as const, output: data.file } : { kind: 'running' as const }
      })
    return {
      submit: ({ input }) =>
        readCreate(send('POST', '/jobs', input), {
          read: ({ body }) => ({ prediction_id: answered.parse(body).id, urls: {} }),
          waitOf: ({ status }) => (status === 429 ? 10 : undefined),
          reasonOf,
        }),
      check: ({ id }) => check(id),
      cancel: ({ id }) =>
        readCancel(send('POST', `/jobs/${id}/cancel`), { isOver: () => false, reasonOf }, () => check(id)),
      search: async () => ({ kind: 'unsure', reason: 'it has no list' }),
      readWebhook: () => Promise.reject(new Error('it sends none')),
    }
  },
}
const listed = [...providers, toy]

/** The toy itself: a job is done at the second look. */
async function startToy() {
  const seen: string[] = []
  const address: string = await serve((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization}`)
    if (request.url === '/file.png') return response.writeHead(200, { 'content-type': 'image/png' }).end(blank.bytes)
    const isDone = seen.filter((line) => line.startsWith('GET /jobs')).length > 1
    return response.end(JSON.stringify({ id: 'job1', ...(isDone && { state: 'done', file: `${address}/file.png` }) }))
  })
  return { address, seen }
}

const clock = testClock()
const app = await useTestDeps({ clock })

test('a task runs on a provider that was added by its spec alone', async () => {
  const { address, seen } = await startToy()
  const config = parseConfig({ TOY_KEY: 'toy_secret', TOY_URL: address }, listed)
  expect(ownHosts(config, listed)).toContain('127.0.0.1')
  const added = openProviders(config, app.deps.http, listed)
  expect([...added.keys()]).toEqual(['toy'])
  app.deps.providers = new Map([...app.deps.providers, ...added])
  const [base] = app.deps.recipes.values()
  const drawing: Recipe = {
    ...(base as Recipe),
    ...{ name: 'drawing', provider: 'toy', input: z.strictObject({ prompt: z.string() }), totalSteps: () => 1 },
    request: async (input) => ({ model: 'toy/draw', input: input as Record<string, unknown> }),
  }
  app.deps.recipes = new Map([...app.deps.recipes, ['drawing', drawing]])
  const story = await begun(app, { body: { recipe: 'drawing', prompt: 'a cat' } })
  expect(await pingUntil(app, story, isOver, { clock })).toMatchObject({ status: 'completed', prediction_id: null })
  expect(seen.filter((line) => line.startsWith('POST'))).toEqual(['POST /jobs Toy toy_secret'])
})

test("a wrong value of an added provider's variable is named like any other", () => {
  const wrong = { TOY_URL: 'nowhere', TOY_CONCURRENCY: '0', PASS_BATCH: 'many' }
  expect(() => parseConfig(wrong, listed)).toThrow(/TOY_URL: .*TOY_CONCURRENCY: /s)
  expect(() => parseConfig(wrong, listed)).toThrow('PASS_BATCH')
})

test('a provider whose code cannot be loaded is loaded again by the next call', async () => {
  let times = 0
  const broken: ProviderSpec = {
    ...toy,
    open: async () => {
      times += 1
      throw new Error('no such module')
    },
  }
  const opened = openProviders(parseConfig({ TOY_KEY: 'x' }, [broken]), app.deps.http, [broken]).get('toy')
  for (let call = 1; call < 3; call += 1) await expect(opened?.check({ id: '1', urls: {} })).rejects.toThrow('no such')
  expect(times).toBe(2)
})

test('every field of a spec is explained in docs/providers.md', async () => {
  const guide = await readDocument('docs/providers.md')
  const explained = rowsOf(sectionOf(guide, '## 1. The spec')).flatMap(([cell = '']) => cell.match(/\w+/g) ?? [])
  const fields = Object.keys({ ...toy, inputsKeptSeconds: 0 })
  expect(fields.filter((field) => !explained.includes(field))).toEqual([])
})
