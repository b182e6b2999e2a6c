// The published schemas of the models that the simulator knows: simulator/schemas/{provider}/ has a small file for each, written by
// `npm run add` or by hand, with the structure of what the provider publishes and none of its text.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/** As much of JSON Schema as the providers use. */
export interface JsonSchema {
  readonly type?: string | undefined
  readonly format?: string | undefined
  readonly enum?: readonly unknown[] | undefined
  readonly default?: unknown
  readonly items?: JsonSchema | undefined
  readonly properties?: Readonly<Record<string, JsonSchema>> | undefined
  readonly required?: readonly string[] | undefined
  readonly allOf?: readonly JsonSchema[] | undefined
  readonly anyOf?: readonly JsonSchema[] | undefined
  readonly $ref?: string | undefined
}

const fileSchema = z.object({
  name: z.string(),
  /** At Replicate; null for an official model, which is run by its name. */
  version: z.string().nullable().default(null),
  official: z.boolean().default(false),
  /** The output of the provider's own example: it tells what kind of file comes back. */
  example: z.unknown().optional(),
  /** The names of the schemas of what goes in and what comes out. */
  input: z.string().default('Input'),
  output: z.string().default('Output'),
  schemas: z.record(
    z.string(),
    z.custom<JsonSchema>((value) => typeof value === 'object' && value !== null),
  ),
})
export type ModelSchema = z.output<typeof fileSchema>

export type ProviderName = 'replicate' | 'fal'

const folder = join(import.meta.dirname, '..', 'schemas')
const read = new Map<ProviderName, readonly ModelSchema[]>()

/** Read when they are first asked for. */
export function schemasOf(provider: ProviderName): readonly ModelSchema[] {
  const known = read.get(provider)
  if (known) return known
  const files = readdirSync(join(folder, provider)).filter((name) => name.endsWith('.json'))
  const schemas = files.map((name) => readSchema(join(folder, provider, name)))
  read.set(provider, schemas)
  return schemas
}

function readSchema(path: string): ModelSchema {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    throw new Error(`${path} is no schema of a model: ${(cause as Error).message}`, { cause })
  }
}

/** Follows a reference, and one that stands alone in an allOf, as Replicate writes enums; one that leads back to itself says nothing. */
export function resolve(
  schema: JsonSchema | undefined,
  { schemas }: Pick<ModelSchema, 'schemas'>,
  followed: readonly string[] = [],
): JsonSchema {
  const reference = schema?.$ref ?? (schema?.allOf?.length === 1 ? schema.allOf[0]?.$ref : undefined)
  if (reference === undefined) return schema ?? {}
  const name = reference.slice(reference.lastIndexOf('/') + 1)
  return followed.includes(name) ? {} : resolve(schemas[name], { schemas }, [...followed, name])
}
