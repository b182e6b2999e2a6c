// The models that a simulated provider knows: those with a published schema in simulator/schemas/, and those that recipes show in their
// examples.

import { exampleRequests } from '../../core/example.ts'
import { placesOf, type Recipe } from '../../core/recipe.ts'
import { type ExampleModel, modelOfExample, modelOfSchema } from './imitate.ts'
import type { Model } from './model.ts'
import { type ModelSchema, type ProviderName, schemasOf } from './schemas.ts'

export interface KnownModels {
  /** What may be called by its name alone. */
  byName(name: string): Model | undefined
  byVersion(version: string): Model | undefined
  schemaOf(name: string): ModelSchema | undefined
}

const published = new Map<ProviderName, readonly Model[]>()

/** Made once, when the first is asked for. */
function publishedModels(provider: ProviderName): readonly Model[] {
  const models = published.get(provider) ?? schemasOf(provider).map(modelOfSchema)
  published.set(provider, models)
  return models
}

export function knownModels(provider: ProviderName, examples: readonly ExampleModel[] = []): KnownModels {
  const shown = examples.map(modelOfExample)
  const find = (isIt: (model: Model) => boolean) => publishedModels(provider).find(isIt) ?? shown.find(isIt)
  return {
    byName: (name) => find((model) => model.name === name && model.version === null),
    byVersion: (version) => find((model) => model.version === version),
    schemaOf: (name) => schemasOf(provider).find((schema) => schema.name === name),
  }
}

/** What recipes ask of a provider in their examples, and what they get for it. */
export async function examplesFor(provider: ProviderName, recipes: Iterable<Recipe>): Promise<ExampleModel[]> {
  const own = [...recipes].flatMap(placesOf).filter((recipe) => recipe.provider === provider)
  const requests = (await Promise.all(own.map(exampleRequests))).flat()
  return requests.map(({ request: { model, version }, output, kind }) => ({ name: model, version, output, kind }))
}
