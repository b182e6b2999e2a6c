// `npm run add`: a recipe from the schema that a model publishes, for each of the schemas that the simulator knows; and what can't be one.

import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { addModel } from '../../cli/add/add.ts'
import { parseAdd } from '../../cli/add/arguments.ts'
import { readInput } from '../../cli/add/fields.ts'
import { modelOfFal, modelOfReplicate } from '../../cli/add/model.ts'
import { exampleInput } from '../../cli/add/recipe-text.ts'
import { exampleLink } from '../../core/example.ts'
import type { Recipe } from '../../core/recipe.ts'
import { falDocument, replicateModel } from '../../simulator/models/openapi.ts'
import { type ModelSchema, type ProviderName, schemasOf } from '../../simulator/models/schemas.ts'
import { type Simulator, startSimulator } from '../../simulator/server.ts'
import { careless, openProject, project } from './add-setup.ts'

const { root, add, addOdd, env, written, typeFaults } = openProject()
let simulator: Simulator

beforeAll(async () => {
  simulator = await startSimulator({ port: 0, webhookSecret: 'whsec_eA==', secondsPerStep: 0, drawing: false })
  Object.assign(env, {
    REPLICATE_BASE_URL: `${simulator.url}/v1`,
    REPLICATE_API_TOKEN: 'r8_test',
    FAL_API_URL: `${simulator.url}/fal/api`,
  })
})
afterAll(() => simulator.close())

const refused = ['lucataco/xtts-v2', 'meta/meta-llama-3-8b-instruct', 'salesforce/blip', 'fal-ai/whisper']

const modelOf = (provider: ProviderName, schema: ModelSchema) =>
  provider === 'fal'
    ? modelOfFal(schema.name, falDocument(schema))
    : modelOfReplicate(schema.name, replicateModel(schema))

/** One run with this input: how the simulated provider ends it, and the recipe's files of the output. */
async function run(recipe: Recipe, given: unknown): Promise<string> {
  const input = recipe.input.safeParse(given)
  if (!input.success) return `its own input is refused: ${input.error.message}`
  const context = { step: 1, previous: undefined, link: exampleLink, seed: 7, candidates: 1 }
  const { model, version, input: body } = await recipe.request(input.data, context)
  const output = recipe.provider === 'fal' ? await runFal(model, body) : await runReplicate(model, version, body)
  if (typeof output === 'string' && output.startsWith('refused')) return output
  const urls = recipe.outputUrls(output)
  if (urls.length === 0) return `no file in ${JSON.stringify(output)}`
  const statuses = await Promise.all(urls.map(async (url) => (await fetch(url)).status))
  return statuses.every((status) => status === 200) ? 'made' : `files answer ${statuses}`
}

async function runReplicate(model: string, version: string | undefined, input: unknown): Promise<unknown> {
  const path = version ? 'predictions' : `models/${model}/predictions`
  const body = JSON.stringify({ input, ...(version && { version }) })
  const headers = { authorization: 'Bearer r8_test', prefer: 'wait' }
  const response = await fetch(`${simulator.url}/v1/${path}`, { method: 'POST', headers, body })
  const { detail, output } = (await response.json()) as { detail?: string; output?: unknown }
  return response.ok ? output : `refused: ${detail}`
}

async function runFal(model: string, input: unknown): Promise<unknown> {
  const headers = { authorization: 'Key test' }
  const init = { method: 'POST', headers, body: JSON.stringify(input) }
  const submitted = await (await fetch(`${simulator.url}/fal/queue/${model}`, init)).json()
  const { response_url } = submitted as { response_url: string }
  const response = await fetch(response_url, { headers })
  const answer = await response.json()
  return response.ok ? answer : `refused: ${JSON.stringify(answer)}`
}

test('every schema becomes a recipe whose runs its model accepts, with what it needs and with all that it takes', {
  timeout: 400_000,
}, async () => {
  simulator.fal.set({ seconds_per_training: 0 })
  const wrong: string[] = []
  let count = 0
  for (const provider of ['replicate', 'fal'] as const) {
    for (const schema of schemasOf(provider).filter(({ name }) => !refused.includes(name))) {
      count += 1
      const name = `added-${count}`
      await add(`${provider}:${schema.name}`, '--name', name, '--price', 'unknown')
      const recipe = await written(name)
      const { fields } = readInput(modelOf(provider, schema))
      for (const input of [recipe.example.input, exampleInput(fields, true)]) {
        const result = await run(recipe, input)
        if (result !== 'made') wrong.push(`${provider}:${schema.name} ${result}`)
      }
    }
  }
  await addOdd({ properties: careless }, '--name', 'added-odd')
  expect(wrong).toEqual([])
  expect(count).toBeGreaterThanOrEqual(60)
  expect(await typeFaults('added-*.ts')).toBe('')
})

test('a recipe says what its model is, has limits and choices, and finds a run by its seed', async () => {
  const lines = await add(
    'replicate:black-forest-labs/flux-schnell',
    '--gate',
    'auto',
    '--candidates',
    '4',
    '--price',
    '0.003',
  )
  expect(lines[0]).toBe(
    'recipes/flux-schnell.ts is written, and its line in recipes/index.ts: black-forest-labs/flux-schnell makes pictures.',
  )
  expect(lines.join('\n')).toContain('disable_safety_checker')
  const recipe = await written('flux-schnell')
  expect(recipe).toMatchObject({ name: 'flux-schnell', provider: 'replicate', gate: 'auto', candidates: { max: 4 } })
  const accepts = (more: object) => recipe.input.safeParse({ prompt: 'a cat', ...more }).success
  expect(['16:9', '17:9'].map((aspect_ratio) => accepts({ aspect_ratio }))).toEqual([true, false])
  expect([4, 5].map((num_inference_steps) => accepts({ num_inference_steps }))).toEqual([true, false])
  expect([{ seed: 1 }, { disable_safety_checker: true }].map(accepts)).toEqual([false, false])
  const context = { step: 1, previous: undefined, link: exampleLink, seed: 7, candidates: 3 }
  expect(await recipe.request({ prompt: 'a cat' }, context)).toEqual({
    model: 'black-forest-labs/flux-schnell',
    input: { seed: 7, prompt: 'a cat', num_outputs: 3 },
  })
  const { price } = recipe
  expect(price !== 'unknown' && { ...price, of: price.of({}, 1) }).toEqual({
    ...{ of: 3_000, source: 'https://replicate.com/black-forest-labs/flux-schnell', date: '2026-11-30' },
  })
  const index = await readFile(join(root, 'recipes/index.ts'), 'utf8')
  expect(index).toContain("import { fluxSchnell } from './flux-schnell.ts'")
  expect(index).toMatch(/known = \[[^\]]*, fluxSchnell\s*\]/)
})

test('a model that makes several pictures by itself is asked for one', async () => {
  await add('replicate:fofr/consistent-character')
  const recipe = await written('consistent-character')
  const context = { step: 1, previous: undefined, link: exampleLink, seed: 7, candidates: 1 }
  const { input } = await recipe.request(recipe.example.input, context)
  expect(input).toMatchObject({ number_of_outputs: 1 })
})

test('a model without a seed is found by its picture, if there always is one', async () => {
  expect((await add('replicate:lucataco/remove-bg')).join('\n')).toContain('found by the link of its file')
  expect((await add('replicate:google/nano-banana-2')).join('\n')).toContain('--require image_input')
  expect(await written('nano-banana-2')).toMatchObject({ marker: 'none', price: 'unknown' })
  await add('replicate:google/nano-banana-2', '--name', 'with-picture', '--require', 'image_input')
  const recipe = await written('with-picture')
  expect(recipe.marker).toBeUndefined()
  expect(recipe.input.safeParse({ prompt: 'x' }).success).toBe(false)
})

test('the schema is kept without its words, and the simulator accepts what it accepts', async () => {
  await add('fal:fal-ai/birefnet')
  const kept = JSON.parse(await readFile(join(root, 'simulator/schemas/fal/fal-ai--birefnet.json'), 'utf8'))
  expect(kept).toEqual(
    schemasOf('fal').find(({ name }) => name === 'fal-ai/birefnet') &&
      expect.objectContaining({ input: 'birefnetInput' }),
  )
  expect(JSON.stringify(kept)).not.toMatch(/title|description/)
})

test('nothing is overwritten', async () => {
  await add('fal:fal-ai/birefnet')
  await expect(add('fal:fal-ai/birefnet')).rejects.toThrow(/birefnet\.ts exists\. Give the recipe another name/)
  await expect(add('fal:fal-ai/birefnet', '--name', 'edit')).rejects.toThrow('exists')
})

test.each([
  ['replicate:meta/meta-llama-3-8b-instruct', /^Output: the model answers with text/],
  ['replicate:lucataco/xtts-v2', /^Input\.speaker: it is a sound.*the model needs it/],
  ['fal:fal-ai/whisper', /^whisperInput\.audio_url: it is a sound/],
  ['replicate:nobody/nothing', /no model "nobody\/nothing"/],
  ['fal:fal-ai/nothing', /no endpoint "fal-ai\/nothing" at fal/],
  ['replicate:lucataco/remove-bg --candidates 2', /^--candidates: the model has no field for the number/],
  ['fal:fal-ai/birefnet --require seed2', /^--require seed2: the model has no such field/],
])('%s is refused with the part that cannot be one, and nothing is written', async (words, why) => {
  await expect(add(...words.split(' '))).rejects.toThrow(why)
  expect((await readdir(join(root, 'recipes'))).sort()).toEqual((await readdir(join(project, 'recipes'))).sort())
})

test('without a token Replicate is not asked; a saved answer is read instead', async () => {
  env['REPLICATE_API_TOKEN'] = ''
  await expect(add('replicate:luma/ray')).rejects.toThrow(/set REPLICATE_API_TOKEN.*--schema FILE/s)
  const schema = schemasOf('replicate').find(({ name }) => name === 'luma/ray')
  await writeFile(join(root, 'saved.json'), JSON.stringify(schema && replicateModel(schema)))
  await add('replicate:luma/ray', '--schema', join(root, 'saved.json'), '--output', 'video')
  expect((await written('ray')).accept).toContain('video/mp4')
  await expect(add('replicate:luma/ray-2', '--schema', join(root, 'saved.json'))).rejects.toThrow('not of luma/ray-2')
  await expect(add('replicate:luma/ray', '--name', 'r', '--schema', join(root, 'none.json'))).rejects.toThrow(
    "can't be read",
  )
})

test("a saved document of another endpoint is not this one's, however it was saved", async () => {
  const schema = schemasOf('fal').find(({ name }) => name === 'fal-ai/birefnet')
  const document = schema && falDocument(schema)
  const saved = join(root, 'saved.json')
  for (const answer of [
    document,
    { models: [{ endpoint_id: 'fal-ai/birefnet', openapi: { ...document, info: {} } }] },
  ]) {
    await writeFile(saved, JSON.stringify(answer))
    await expect(add('fal:fal-ai/ideogram/remove', '--schema', saved)).rejects.toThrow(
      'name: the answer is of fal-ai/birefnet, not of fal-ai/ideogram/remove',
    )
  }
  await add('fal:fal-ai/birefnet', '--schema', saved)
})

test('variables are read as the functions read them: empty ones are none, and a last slash is one too many', async () => {
  const address = env['FAL_API_URL'] ?? ''
  onTestFinished(() => void Object.assign(env, { FAL_API_URL: address }))
  Object.assign(env, { FAL_API_URL: `${address}/`, FAL_KEY: '', CRON_SECRET: 'short' })
  await add('fal:fal-ai/birefnet')
  const empty = { ...env, REPLICATE_BASE_URL: '', REPLICATE_API_TOKEN: '' }
  const command = parseAdd(['replicate:luma/ray'])
  await expect(command && addModel(command, { root, env: empty, now: new Date() })).rejects.toThrow(
    'save what https://api.replicate.com/v1/models/luma/ray answers',
  )
})

test('a schema that says something else than the one that is kept is told', async () => {
  expect(await add('fal:fal-ai/birefnet', '--only-schema')).toEqual([
    expect.stringContaining('is in simulator/schemas'),
  ])
  expect(await add('fal:fal-ai/birefnet', '--only-schema')).toEqual(['Its schema is there already.'])
  const path = join(root, 'simulator/schemas/fal/fal-ai--birefnet.json')
  const kept = JSON.parse(await readFile(path, 'utf8'))
  await writeFile(path, JSON.stringify({ ...kept, schemas: {} }))
  for (const words of [['--only-schema'], []])
    expect((await add('fal:fal-ai/birefnet', ...words)).join('\n')).toContain(`another than the one in ${path}`)
  expect(JSON.parse(await readFile(path, 'utf8')).schemas).toEqual({})
})

test.each([
  [[], /Say which model/],
  [['openai:gpt-image-2'], /names no provider/],
  [['replicate:../account', '--name', 'a'], /no model's name/],
  [['replicate:flux'], /no model's name; write it such as replicate:/],
  [['fal:flux'], /such as fal:/],
  [['fal:a/b', 'fal:c/d'], /One model at a time/],
  [['fal:a/b', '--price', 'cheap'], /--price must be dollars/],
  [['fal:a/b', '--gate', 'open'], /--gate must be/],
  [['fal:a/b', '--candidates', '9'], /--candidates must be 1 to 4/],
  [['fal:a/b', '--output', 'song'], /--output must be one of/],
  [['fal:a/b', '--name', 'A B'], /--name must be lower-case/],
  [['fal:a/b', '--colour', 'red'], /--colour/],
])('%j is not understood', (words, why) => {
  expect(() => parseAdd(words)).toThrow(why)
})
