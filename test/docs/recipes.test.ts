// docs/recipes.md is followed as it stands: its recipe is saved, type-checked, and a task of it is approved and runs to its end on the
// simulated fal.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, expect, test } from 'vitest'
import * as z from 'zod'
import type { Recipe } from '../../core/recipe.ts'
import { requireSound } from '../../core/soundness.ts'
import { continueEndpoint } from '../../functions/continue.ts'
import { result } from '../../functions/result.ts'
import { start as startDoor } from '../../functions/start.ts'
import type { ImagePolicy } from '../../recipes/fields.ts'
import { checkRecipes, openRecipes } from '../../recipes/index.ts'
import { begun, isOver, isWaiting, pingUntil, press } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import { fencesOf, readDocument, root, rowsOf, sectionOf } from './documents.ts'

const run = promisify(execFile)
const clock = testClock()
const app = await useTestDeps({ clock })
const guide = await readDocument('docs/recipes.md')
const [code = ''] = fencesOf(sectionOf(guide, '## 1. The file'), 'ts')

/** The page's code, where the packages are found, with its imports leading to the real `recipes/`. */
async function saveRecipe(): Promise<string> {
  const kept = fileURLToPath(new URL('.data/', root))
  await mkdir(kept, { recursive: true })
  const folder = await mkdtemp(join(kept, 'recipes-'))
  afterAll(() => rm(folder, { recursive: true }))
  const file = join(folder, 'retouch.ts')
  await writeFile(file, code.replaceAll("'./", "'../../recipes/"))
  return file
}

const file = await saveRecipe()
const { retouch: make } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
  retouch: (policy: ImagePolicy) => Recipe
}
const policy = { hosts: [], allowPrivate: false }
const retouch = make(policy)
app.deps.recipes = new Map([[retouch.name, retouch]])

const photo = 'https://images.test/ada.jpg'
const body = { recipe: 'retouch', photo, wishes: ['add a red scarf', 'let it snow'] }

test('the recipe of docs/recipes.md has at most 20 lines', () => {
  expect(code.trim().split('\n').length).toBeLessThanOrEqual(20)
})

test('the recipe of docs/recipes.md passes the type checker', { timeout: 240_000 }, async () => {
  const config = join(file, '..', 'tsconfig.json')
  await writeFile(config, JSON.stringify({ extends: '../../tsconfig.json', include: ['retouch.ts'], exclude: [] }))
  const tsc = fileURLToPath(new URL('node_modules/.bin/tsc', root))
  const { stdout } = await run(tsc, ['-p', config]).catch((error: { stdout: string }) => error)
  expect(stdout).toBe('')
})

test('the recipe of docs/recipes.md brings no more of zod into a function than our own do', async () => {
  const bundled = await build({
    entryPoints: [file],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    metafile: true,
  })
  const [output] = Object.values(bundled.metafile.outputs)
  const kept = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0)
  const names = kept.map(([name]) => name)
  expect(names.some((name) => name.includes('zod/v4/classic/schemas'))).toBe(true)
  expect(names.filter((name) => /zod\/v4\/locales\/(?!en)/.test(name))).toEqual([])
})

test('a task of the recipe of docs/recipes.md waits for a person, hands on what it made, and is paid once a step', async () => {
  await requireSound(retouch)
  const story = await begun(app, { body })
  await pingUntil(app, story, isWaiting, { clock })
  expect(app.simulator.fal.till()).toMatchObject({ created: 1, predictions: [{ input: { image_url: photo } }] })
  expect((await press(app, continueEndpoint, story, { step: 1 })).ok).toBe(true)
  const row = await pingUntil(app, story, isOver, { clock })
  expect(row).toMatchObject({ status: 'completed', total_steps: 2 })
  const { created, predictions } = app.simulator.fal.till()
  const inputs = predictions.map(({ input }) => input)
  expect(created).toBe(2)
  expect(inputs.find(({ prompt }) => prompt === 'let it snow')?.['image_url']).toMatch(/^data:image\/png;base64,/)
  expect(new Set(inputs.map(({ seed }) => seed)).size).toBe(2)
  const answer = await app.call(result, { path: row.result_url ?? '', token: story.token })
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/png'])
})

test('every part of a recipe and of its timing is explained, under its name', async () => {
  const source = await readDocument('core/recipe.ts')
  const namesIn = (name: string) => {
    const [, body = ''] = new RegExp(`export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(source) ?? []
    return [...body.matchAll(/^ {2}(\w+)\??[:(]/gm)].map(([, field = '']) => field)
  }
  const explained = rowsOf(sectionOf(guide, '## What each part is for')).flatMap(([cell = '']) =>
    [...cell.matchAll(/`([\w.]+)`/g)].map(([, name]) => name),
  )
  const names = [...namesIn('Recipe'), ...namesIn('Timing')].filter((name) => !['name', 'provider'].includes(name))
  expect(names).toContain('unconfirmedSeconds')
  expect(names.filter((name) => !explained.includes(name))).toEqual([])
})

const model = 'fal-ai/flux-pro/kontext'
const wrong: [string, Partial<Recipe>][] = [
  [
    'its input has a field candidates, which every start request has for itself; call it otherwise',
    { input: z.union([retouch.input, z.strictObject({ candidates: z.int() })]) },
  ],
  ['its example has 0 steps; a task has 1 to 1000', { totalSteps: () => 0 }],
  [
    'its example is refused: wishes.0 Too small: expected string to have >=1 characters',
    { example: { ...retouch.example, input: { photo, wishes: [''] } } },
  ],
  [
    "step 1 of its example can't be sent as JSON: input.image_url is a Promise; await it",
    { request: async (_input, { link }) => ({ model, input: { image_url: link('file:1') } }) },
  ],
  [
    "step 1 of its example can't be built: there is no garment for step 1",
    { request: () => Promise.reject(new Error('there is no garment for step 1')) },
  ],
  [
    "step 1 of its example carries no marker, so that it can't be found if its answer is lost; give the model context.seed as its seed, or make a link with { isMarked: true }, or say marker: 'none': then a lost answer waits for a person",
    { request: async () => ({ model, input: { prompt: 'let it snow' } }) },
  ],
  ["step 1 of its example carries a marker, and the recipe says marker: 'none'; leave that out", { marker: 'none' }],
  ['step 2 of its example is given the result of the step before; say passesOn: true', { passesOn: false }],
  [
    'step 1 of its example makes a video, and accept has image/png, image/jpeg, image/webp; say with makes what it makes',
    { makes: () => 'video' },
  ],
  ['outputUrls finds no file in its example output', { outputUrls: () => [] }],
  ['candidates.max is 5; it must be 2 to 4, or candidates left out', { candidates: { max: 5 } }],
  ['changes and applyChange belong together; give both, or neither', { changes: retouch.input }],
  ['from.field is "picture", which is no field of its example', { from: { field: 'picture' } }],
  [
    "price is missing; give { of, source, date }, or 'unknown': then its tasks count against the limits of number alone",
    { price: undefined as never },
  ],
  ['limitSeconds is 0; it must be more than 0', { timing: { ...retouch.timing, limitSeconds: 0 } }],
]
test.each(wrong)('a recipe that is wrong is refused as the page says: %s', async (sentence, part) => {
  await expect(requireSound({ ...retouch, ...part })).rejects.toThrow(`recipe retouch: ${sentence}`)
  expect(guide).toContain(`- \`recipe retouch: ${sentence}\``)
})

const unlawful: [string, Recipe[]][] = [
  [
    'recipe retouch: provider is "openai", which is not known; known are: replicate, fal',
    [{ ...retouch, provider: 'openai' }],
  ],
  ['recipe retouch: name is taken by another recipe; taken are: retouch', [retouch, retouch]],
  [
    'recipe a/b: name must be lower-case words joined by hyphens, at most 64 characters, such as try-on',
    [{ ...retouch, name: 'a/b' }],
  ],
  ['recipe retouch: elsewhere names a provider twice: fal, fal', [{ ...retouch, elsewhere: [retouch] }]],
]
test.each(unlawful)('recipes that are wrong are refused as the page says: %s', async (sentence, recipes) => {
  expect(() => openRecipes(policy, recipes)).toThrow(sentence)
  await expect(checkRecipes(recipes)).rejects.toThrow(sentence)
  expect(guide).toContain(`- \`${sentence}\``)
})

test('a start whose input makes no step is answered 400, with nothing paid', async () => {
  app.deps.recipes = new Map([[retouch.name, { ...retouch, totalSteps: () => 0 }]])
  const token = await app.signIn('ada')
  const answer = await app.call(startDoor, { path: '/api/start', token, body })
  app.deps.recipes = new Map([[retouch.name, retouch]])
  expect([answer.status, await answer.json()]).toMatchObject([
    400,
    { errors: [{ message: 'gives recipe retouch 0 steps; a task has 1 to 1000' }] },
  ])
  expect(app.simulator.fal.till().created).toBe(0)
})

test('the page tells every sentence of these tests, and no other', () => {
  expect([...guide.matchAll(/^- `recipe /gm)]).toHaveLength(wrong.length + unlawful.length)
})
