// docs/recipes.md is followed as it stands: its recipe is saved, type-checked, and a task of it runs to its end on the simulated fal.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, expect, test } from 'vitest'
import type { Recipe } from '../../core/recipe.ts'
import { requireSound } from '../../core/soundness.ts'
import { result } from '../../functions/result.ts'
import { start as startDoor } from '../../functions/start.ts'
import { checkRecipes, openRecipes } from '../../recipes/index.ts'
import { begun, isOver, pingUntil } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import { fencesOf, readDocument, root, rowsOf, sectionOf } from './documents.ts'

const run = promisify(execFile)
const clock = testClock()
const app = await useTestDeps({ clock })
const guide = await readDocument('docs/recipes.md')

/** The page's code, where the packages are found, with its imports leading to the real `recipes/` and `core/`. */
async function saveRecipe(): Promise<string> {
  const kept = fileURLToPath(new URL('.data/', root))
  await mkdir(kept, { recursive: true })
  const folder = await mkdtemp(join(kept, 'recipes-'))
  afterAll(() => rm(folder, { recursive: true }))
  const [code = ''] = fencesOf(sectionOf(guide, '## 1. The file'), 'ts')
  const file = join(folder, 'picture.ts')
  await writeFile(file, code.replaceAll("'../", "'../../").replaceAll("'./", "'../../recipes/"))
  return file
}

const file = await saveRecipe()
const { picture } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as { picture: Recipe }
app.deps.recipes = new Map([[picture.name, picture]])

const start = (seed?: number) => begun(app, { body: { recipe: 'picture', prompt: 'a lighthouse in the fog', seed } })

test('the recipe of docs/recipes.md passes the type checker', { timeout: 60_000 }, async () => {
  const config = join(file, '..', 'tsconfig.json')
  await writeFile(config, JSON.stringify({ extends: '../../tsconfig.json', include: ['picture.ts'], exclude: [] }))
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

test('a task of the recipe of docs/recipes.md runs to its end, and is paid once', async () => {
  await requireSound(picture)
  const story = await start(7)
  const row = await pingUntil(app, story, isOver, { clock })
  expect(row).toMatchObject({ status: 'completed', total_steps: 1 })
  expect(app.simulator.fal.till()).toMatchObject({ created: 1, predictions: [{ input: { seed: 7 } }] })
  const answer = await app.call(result, { path: row.result_url ?? '', token: story.token })
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/png'])
})

test('without a seed of its own, each task of the recipe gets another', async () => {
  for (const story of [await start(), await start()]) await pingUntil(app, story, isOver, { clock })
  const seeds = app.simulator.fal.till().predictions.map(({ input }) => input['seed'])
  expect(new Set(seeds).size).toBe(2)
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

const wrong: [string, Partial<Recipe>][] = [
  ['its example has 0 steps; a task has 1 to 1000', { totalSteps: () => 0 }],
  [
    'its example is refused: prompt Too small: expected string to have >=1 characters',
    { example: { ...picture.example, input: { prompt: '' } } },
  ],
  [
    "step 1 of its example can't be sent as JSON: input.image_url is a Promise; await it",
    { request: async (_input, { link }) => ({ model: 'fal-ai/flux/dev', input: { image_url: link('file:1') } }) },
  ],
  [
    "step 1 of its example can't be built: there is no garment for step 1",
    { request: () => Promise.reject(new Error('there is no garment for step 1')) },
  ],
  ['outputUrls finds no file in its example output', { outputUrls: () => [] }],
  [
    "price is missing; give { of, source, date }, or 'unknown': then its tasks count against the limits of number alone",
    { price: undefined as never },
  ],
  ['limitSeconds is 0; it must be more than 0', { timing: { ...picture.timing, limitSeconds: 0 } }],
]
test.each(wrong)('a recipe that is wrong is refused as the page says: %s', async (sentence, part) => {
  await expect(requireSound({ ...picture, ...part })).rejects.toThrow(`recipe picture: ${sentence}`)
  expect(guide).toContain(`- \`recipe picture: ${sentence}\``)
})

const unlawful: [string, Recipe[]][] = [
  [
    'recipe picture: provider is "openai", which is not known; known are: replicate, fal',
    [{ ...picture, provider: 'openai' }],
  ],
  ['recipe picture: name is taken by another recipe; taken are: picture', [picture, picture]],
  [
    'recipe a/b: name must be lower-case words joined by hyphens, at most 64 characters, such as try-on',
    [{ ...picture, name: 'a/b' }],
  ],
]
test.each(unlawful)('recipes that are wrong are refused as the page says: %s', async (sentence, recipes) => {
  expect(() => openRecipes({ hosts: [], allowPrivate: false }, recipes)).toThrow(sentence)
  await expect(checkRecipes(recipes)).rejects.toThrow(sentence)
  expect(guide).toContain(`- \`${sentence}\``)
})

test('a start whose input makes no step is answered 400, with nothing paid', async () => {
  app.deps.recipes = new Map([[picture.name, { ...picture, totalSteps: () => 0 }]])
  const token = await app.signIn('ada')
  const answer = await app.call(startDoor, { path: '/api/start', token, body: { recipe: 'picture', prompt: 'fog' } })
  app.deps.recipes = new Map([[picture.name, picture]])
  expect([answer.status, await answer.json()]).toMatchObject([
    400,
    { errors: [{ message: 'recipe picture makes of this input 0 steps; a task has 1 to 1000' }] },
  ])
  expect(app.simulator.fal.till().created).toBe(0)
})

test('the page tells every sentence of these tests, and no other', () => {
  expect([...guide.matchAll(/^- `recipe /gm)]).toHaveLength(wrong.length + unlawful.length)
})
