// Every request that a built-in recipe can make, at each of its providers, held against the schema that the model publishes: what it would
// refuse costs a person a failed task, and what it ignores costs them a wrong result.

import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { expect, test } from 'vitest'
import { exampleInput, exampleRequests, exampleSteps, examplesOf, requestOf } from '../../core/example.ts'
import type { GenerationRequest } from '../../core/provider.ts'
import { placesOf, type Recipe } from '../../core/recipe.ts'
import { openRecipes } from '../../recipes/index.ts'
import { type ModelSchema, type ProviderName, schemasOf } from '../../simulator/models/schemas.ts'

const places = [...openRecipes({ hosts: [], allowPrivate: false }).values()].flatMap(placesOf)

/** Also with as many pictures as may be asked for, and with the example's change. */
async function requestsOf(recipe: Recipe): Promise<GenerationRequest[]> {
  const usual = (await exampleRequests(recipe)).map(({ request }) => request)
  const steps = examplesOf(recipe).flatMap((example) => exampleSteps(recipe, example))
  const most = recipe.candidates?.max ?? 1
  const several = await Promise.all(steps.map((step) => requestOf(recipe, step, { candidates: most })))
  const changed = recipe.applyChange?.(exampleInput(recipe), 1, recipe.example.change)
  const [first] = exampleSteps(recipe)
  const again = changed !== undefined && first ? [await requestOf(recipe, { ...first, input: changed })] : []
  return [...usual, ...several, ...again]
}

function faultsOf(provider: ProviderName, { model, version, input }: GenerationRequest): string[] {
  const schema = schemasOf(provider).find(({ name }) => name === model)
  if (!schema) return [`no schema of ${model} is kept: npm run add -- ${provider}:${model} --only-schema`]
  const wanted = schema.official || provider === 'fal' ? undefined : schema.version
  if (version !== (wanted ?? undefined))
    return [`${model} is run as version ${version}, and its schema is of ${wanted}`]
  return strictFaults(schema, input)
}

/** A field that the model doesn't have is a mistake, too: some refuse it, the others do nothing with it. */
function strictFaults({ name, input, schemas }: ModelSchema, given: unknown): string[] {
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false })
  addFormats.default(ajv)
  const closed = { ...schemas, [input]: { ...schemas[input], additionalProperties: false } }
  ajv.addSchema({ components: { schemas: closed } }, 'model')
  const validate = ajv.compile({ $ref: `model#/components/schemas/${input}` })
  // As it is sent: what is undefined isn't.
  if (validate(JSON.parse(JSON.stringify(given)))) return []
  const told = validate.errors?.map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  )
  return (told ?? []).map((fault) => `${name}: ${fault}`)
}

test.each(places.map((recipe) => [recipe.name, recipe.provider, recipe] as const))(
  '%s on %s asks for nothing that its models would refuse or ignore',
  async (_name, provider, recipe) => {
    const requests = await requestsOf(recipe)
    expect(requests.length).toBeGreaterThan(0)
    expect(requests.flatMap((request) => faultsOf(provider as ProviderName, request))).toEqual([])
  },
)

test('a value out of its limits, a field that is not there and one that is missing are found', () => {
  const faults = (input: Record<string, unknown>) =>
    faultsOf('replicate', { model: 'black-forest-labs/flux-schnell', input }).length
  const input = { prompt: 'a cat', num_outputs: 1 }
  expect([input, { ...input, num_outputs: 9 }, { ...input, colour: 'red' }, {}].map(faults)).toEqual([0, 1, 1, 1])
})
