// How Replicate's API names models, and what it tells of them: GET /v1/models/{owner}/{name} and its versions.

import type { KnownModels } from '../models/known.ts'
import type { Model } from '../models/model.ts'
import { replicateModel, replicateVersion, versionOf } from '../models/openapi.ts'
import { json, notFound, unknownModel } from './answers.ts'

/** What `version` of a create may name: 64 hexadecimal digits, `owner/name:version`, or an official `owner/name`. */
export function findByVersion(models: KnownModels, reference: string): Model | undefined {
  const [name, version] = reference.includes('/') ? reference.split(':') : [undefined, reference]
  if (version === undefined) return models.byName(String(name))
  const found = models.byVersion(version)
  return name === undefined || found?.name === name ? found : undefined
}

export function getModel(models: KnownModels, name: string, what?: string, id?: string): Response {
  const schema = models.schemaOf(name)
  if (schema === undefined) return unknownModel(name)
  if (what === undefined) return json(replicateModel(schema))
  if (what !== 'versions') return notFound()
  if (id === undefined) return json({ previous: null, next: null, results: [replicateVersion(schema)] })
  return id === versionOf(schema) ? json(replicateVersion(schema)) : notFound()
}
