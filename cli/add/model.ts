// A model's published schema as `npm run add` reads it, whichever provider it is of: what goes in, what comes out, and how it is run.
// fetch.ts gets it, fields.ts and output.ts make a recipe's parts of it, files.ts keeps it for the simulator.

import { z } from 'zod'

/** As much of JSON Schema as the providers use. */
export interface JsonSchema {
  type?: string | undefined
  format?: string | undefined
  enum?: unknown[] | undefined
  default?: unknown
  minimum?: number | undefined
  maximum?: number | undefined
  minLength?: number | undefined
  maxLength?: number | undefined
  maxItems?: number | undefined
  items?: JsonSchema | undefined
  properties?: Record<string, JsonSchema> | undefined
  required?: string[] | undefined
  allOf?: JsonSchema[] | undefined
  anyOf?: JsonSchema[] | undefined
  $ref?: string | undefined
  [other: string]: unknown
}

export type ProviderName = 'replicate' | 'fal'

export interface Model {
  readonly provider: ProviderName
  readonly name: string
  /** Of a community model at Replicate, which is run by it; null for what is run by its name. */
  readonly version: string | null
  readonly official: boolean
  /** The output of the provider's own example. */
  readonly example: unknown
  /** The names of what goes in and what comes out. */
  readonly input: string
  readonly output: string
  readonly schemas: Readonly<Record<string, JsonSchema>>
}

/** Why a model can't become a recipe: `part` is where in its schema. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError'

  constructor(part: string, why: string) {
    // A stranger wrote the names, and a terminal obeys control characters.
    super(`${part}: ${why}`.replaceAll(/\p{Cc}/gu, '?'))
  }
}

const text = z.string().optional()
const number = z.number().optional()

/** `true` stands for anything, and a list of types for the one that isn't null. */
function inOneForm(schema: unknown): unknown {
  if (typeof schema === 'boolean') return {}
  if (typeof schema !== 'object' || schema === null || !('type' in schema) || !Array.isArray(schema.type)) return schema
  return { ...schema, type: schema.type.find((one) => one !== 'null') }
}

/** Code is written of these members, so none may be of another type than it should. */
const jsonSchema: z.ZodType<JsonSchema> = z.lazy(() =>
  z.preprocess(
    inOneForm,
    z.looseObject({
      ...{ type: text, format: text, $ref: text },
      ...{ enum: z.array(z.unknown()).optional(), required: z.array(z.string()).optional() },
      ...{ minimum: number, maximum: number, minLength: number, maxLength: number, maxItems: number },
      ...{ items: jsonSchema.optional(), properties: z.record(z.string(), jsonSchema).optional() },
      ...{ allOf: z.array(jsonSchema).optional(), anyOf: z.array(jsonSchema).optional() },
    }),
  ),
)
const schemas = z.record(z.string(), jsonSchema)

const replicateModel = z.object({
  ...{ owner: text, name: text },
  is_official: z.boolean().optional(),
  default_example: z.object({ output: z.unknown() }).nullish(),
  latest_version: z.object({
    id: z.string().regex(/^\w{1,100}$/),
    openapi_schema: z.object({ components: z.object({ schemas }) }),
  }),
})

/** Of what GET /v1/models/{owner}/{name} answers. */
export function modelOfReplicate(name: string, answer: unknown): Model {
  const parsed = replicateModel.safeParse(answer)
  if (!parsed.success) throw faultOf(parsed.error, 'latest_version', 'Replicate tells no schema of this model')
  const { is_official: official = false, default_example, latest_version, owner, name: own } = parsed.data
  if (owner !== undefined && own !== undefined) requireSame(`${owner}/${own}`, name)
  const { id, openapi_schema } = latest_version
  return {
    provider: 'replicate',
    name,
    version: official ? null : id,
    official,
    example: default_example?.output ?? undefined,
    ...{ input: 'Input', output: 'Output', schemas: openapi_schema.components.schemas },
  }
}

/** A saved answer may be another model's. */
export function requireSame(told: string | undefined, name: string): void {
  if (told !== undefined && told.toLowerCase() !== name.toLowerCase())
    throw new SchemaError('name', `the answer is of ${told}, not of ${name}`)
}

/** What is wrong within a schema, with its place; `otherwise` where there is none. */
function faultOf({ issues }: z.ZodError, part: string, otherwise: string): SchemaError {
  const [issue] = issues
  const place = issue?.path ?? []
  const within = place.slice(place.indexOf('schemas') + 1)
  return issue && within.length < place.length && within.length > 0
    ? new SchemaError(within.join('.'), issue.message)
    : new SchemaError(part, otherwise)
}

const content = z.object({ content: z.object({ 'application/json': z.object({ schema: jsonSchema }) }) })
const falDocument = z.object({
  info: z.object({ 'x-fal-metadata': z.object({ endpointId: text }).optional() }).optional(),
  components: z.object({ schemas }),
  paths: z.record(
    z.string(),
    z.object({
      post: z.object({ requestBody: content.optional() }).optional(),
      get: z.object({ responses: z.record(z.string(), z.unknown()).optional() }).optional(),
    }),
  ),
})

/** Of fal's OpenAPI document of an endpoint's queue. */
export function modelOfFal(name: string, document: unknown): Model {
  const parsed = falDocument.safeParse(document)
  if (!parsed.success) throw faultOf(parsed.error, 'openapi', 'fal tells no document of this endpoint')
  const { info, components, paths } = parsed.data
  requireSame(info?.['x-fal-metadata']?.endpointId, name)
  const result = paths[`/${name}/requests/{request_id}`]?.get?.responses?.['200']
  const input = nameOf(paths[`/${name}`]?.post?.requestBody) ?? ending(components.schemas, 'Input')
  const output = nameOf(result) ?? ending(components.schemas, 'Output')
  if (input === undefined) throw new SchemaError('requestBody', 'the document names no schema of the input')
  if (output === undefined) throw new SchemaError('responses', 'the document names no schema of the output')
  const own = { version: null, official: true, example: undefined, schemas: components.schemas }
  return { provider: 'fal', name, input, output, ...own }
}

function nameOf(answer: unknown): string | undefined {
  const reference = content.safeParse(answer).data?.content['application/json'].schema.$ref
  return reference?.slice(reference.lastIndexOf('/') + 1)
}

const ending = (all: Record<string, JsonSchema>, end: string) => Object.keys(all).find((name) => name.endsWith(end))

/**
 * Follows references, and what stands beside null alone: Replicate writes enums as an allOf, fal what may be left out as an anyOf. Throws
 * where references lead back to where they began; `followed` are those on the way here.
 */
export function resolve(
  schema: JsonSchema | undefined,
  model: Pick<Model, 'schemas'>,
  followed: readonly string[] = [],
): JsonSchema {
  if (schema === undefined) return {}
  const [only, ...more] = schema.allOf ?? schema.anyOf?.filter(({ type }) => type !== 'null') ?? []
  if (only && more.length === 0) {
    const { allOf: _, anyOf: __, ...rest } = schema
    return { ...resolve(only, model, followed), ...rest }
  }
  if (schema.$ref === undefined) return schema
  const { $ref, ...rest } = schema
  const name = $ref.slice($ref.lastIndexOf('/') + 1)
  if (followed.includes(name)) throw new SchemaError(name, 'its references lead back to itself')
  return { ...resolve(model.schemas[name], model, [...followed, name]), ...rest }
}

/** A schema's fields in the order in which the provider's own page shows them. */
export function fieldsInOrder({
  properties = {},
  'x-fal-order-properties': order,
}: JsonSchema): [string, JsonSchema][] {
  const names = Object.keys(properties)
  const place = (name: string) => {
    const { 'x-order': own } = properties[name] ?? {}
    if (typeof own === 'number') return own
    const listed = Array.isArray(order) ? order.indexOf(name) : -1
    return listed < 0 ? names.length + names.indexOf(name) : listed
  }
  return names.toSorted((one, other) => place(one) - place(other)).map((name) => [name, properties[name] ?? {}])
}
