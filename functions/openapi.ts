// GET /api/openapi.json: the contract as an OpenAPI 3.1 document, made from the schemas that the endpoints check requests with and the types
// of their answers come from.
import * as z from 'zod'
import {
  attemptViewSchema,
  fileViewSchema,
  problemSchema,
  sessionSchema,
  startedSchema,
  stepViewSchema,
  taskPageSchema,
  taskViewSchema,
} from '../core/answers.ts'
import { type ProblemCode, problems } from '../core/errors.ts'
import type { Endpoint } from '../engine/deps.ts'
import type { Recipes } from '../recipes/index.ts'
import {
  type Answer,
  answerHeaders,
  anywhere,
  type Operation,
  ofUsers,
  operations,
  requestHeaders,
  tags,
  uploadBodies,
} from './http/contract.ts'
import { json, requireMethod } from './http/request.ts'
import { defaultRecipe, startEnvelope } from './start.ts'

type Json = Record<string, unknown>

export const openapi: Endpoint = async (request, deps) => {
  requireMethod(request, 'GET', 'HEAD')
  return json(describeApi(deps.recipes), 200, { 'cache-control': 'public, max-age=300' })
}

export function describeApi(recipes: Recipes): Json {
  const paths: Record<string, Json> = {}
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation, recipes) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Stepgate',
      version: '1',
      summary: 'Multi-step AI generations that a person approves step by step.',
      description: 'Members are added, never renamed: ignore those that you do not know.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: { schemas: components(), securitySchemes },
  }
}

const securitySchemes = {
  token: { type: 'http', scheme: 'bearer', description: 'A session’s token, or one of the identity provider.' },
  cookie: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-stepgate_session',
    description: 'Over http: `stepgate_session`.',
  },
  cronSecret: { type: 'http', scheme: 'bearer', description: 'CRON_SECRET.' },
  cronKey: { type: 'apiKey', in: 'query', name: 'key', description: 'CRON_SECRET.' },
}
const cron = [{ cronSecret: [] }, { cronKey: [] }]
const security = { anyone: [], user: [{ token: [] }, { cookie: [] }], cron, 'anyone, or cron': [{}, ...cron] }

function describe(operation: Operation, recipes: Recipes): Json {
  const { id, tag, does } = operation
  const body = describeBody(operation.body, recipes)
  return {
    operationId: id,
    tags: [tag],
    summary: does,
    security: security[operation.for],
    parameters: [...queryParameters(operation), ...headerParameters(operation)],
    ...(body && { requestBody: { required: true, content: body } }),
    responses: { ...describeAnswers(operation), ...describeProblems(operation) },
  }
}

function queryParameters({ query }: Operation): Json[] {
  if (!query) return []
  const { properties = {}, required = [] } = requestShape(query) as { properties?: Json; required?: string[] }
  return Object.entries(properties).map(([name, schema]) => ({
    ...{ name, in: 'query', schema },
    ...(required.includes(name) && { required: true }),
  }))
}

function headerParameters({ requestHeaders: names = [] }: Operation): Json[] {
  return names.map((name) => ({ name, in: 'header', description: requestHeaders[name], schema: { type: 'string' } }))
}

function describeBody(body: Operation['body'], recipes: Recipes): Json | undefined {
  if (!body) return undefined
  if (body === 'webhook') return { 'application/json': { schema: { type: 'object' } } }
  if (body === 'start') return { 'application/json': { schema: startShape(recipes) } }
  if (body !== 'upload') return { 'application/json': { schema: requestShape(body) } }
  const part = {
    type: 'string',
    contentMediaType: 'application/octet-stream',
    description: 'The one file of the form.',
  }
  const form = { type: 'object', properties: { image: part }, required: ['image'] }
  return {
    ...Object.fromEntries(uploadBodies.map((type) => [type, {}])),
    'multipart/form-data': { schema: form },
  }
}

/** One shape a recipe; its name may be left out for one of them. */
function startShape(recipes: Recipes): Json {
  const { auto_continue } = requestShape(startEnvelope)['properties'] as Json
  const shapes = [...recipes.values()].map(({ name, input }) => {
    const withName = (shape: Json): Json => {
      if (Array.isArray(shape['anyOf'])) return { anyOf: shape['anyOf'].map(withName) }
      if (Array.isArray(shape['oneOf'])) return { oneOf: shape['oneOf'].map(withName) }
      const { properties, required, ...rest } = shape as { properties?: Json; required?: string[] }
      return {
        ...rest,
        properties: { recipe: { const: name }, auto_continue, ...properties },
        required: [...(name === defaultRecipe ? [] : ['recipe']), ...(required ?? [])],
      }
    }
    return { title: name, ...withName(requestShape(input)) }
  })
  return { anyOf: shapes }
}

function describeAnswers({ answers }: Operation): Json {
  return Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, describeAnswer(answer, status)]))
}

function describeAnswer({ says, json: schema, isFile, headers = [] }: Answer, status: string): Json {
  const described = headers.map((name) => [name, { description: answerHeaders[name], schema: { type: 'string' } }])
  return {
    description: says,
    ...(headers.length > 0 && { headers: Object.fromEntries(described) }),
    ...(status !== '304' && {
      content: isFile ? { '*/*': {} } : { 'application/json': { schema: answerShape(schema) } },
    }),
  }
}

/** Refusals by status, each with the codes that it can carry here. */
function describeProblems({ problems: own, for: whom }: Operation): Json {
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of [...own, ...(whom === 'user' ? ofUsers : []), ...anywhere]) {
    byStatus.set(problems[code], [...(byStatus.get(problems[code]) ?? []), code])
  }
  return Object.fromEntries([...byStatus].map(([status, codes]) => [status, describeProblem(codes)]))
}

function describeProblem(codes: readonly ProblemCode[]): Json {
  const schema = { allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: codes } } }] }
  return { description: codes.join(', '), content: { 'application/problem+json': { schema } } }
}

/** Answers that are worth a name. */
const named = z.registry<{ id: string }>()
for (const [id, schema] of Object.entries({
  ...{ Problem: problemSchema, Session: sessionSchema, Started: startedSchema },
  ...{
    File: fileViewSchema,
    Attempt: attemptViewSchema,
    Step: stepViewSchema,
    Task: taskViewSchema,
    TaskPage: taskPageSchema,
  },
}))
  named.add(schema, { id })

const refTo = (id: string) => `#/components/schemas/${id}`

/** What is answered may get further members one day, so nothing is said against them. */
const open = ({ jsonSchema }: { jsonSchema: { additionalProperties?: unknown } }) => {
  delete jsonSchema.additionalProperties
}

function components(): Json {
  const { schemas } = z.toJSONSchema(named, { uri: refTo, override: open })
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, bare(schema)]))
}

function answerShape(schema: z.ZodType | undefined): Json {
  if (!schema) return { type: 'object' }
  const id = named.get(schema)?.id
  return id ? { $ref: refTo(id) } : bare(z.toJSONSchema(schema, { override: open }))
}

/** What a caller may write. Rules that JSON Schema can't say are in the refusals' words. */
function requestShape(schema: z.ZodType): Json {
  return bare(
    z.toJSONSchema(schema, {
      io: 'input',
      unrepresentable: 'any',
      override: ({ jsonSchema }) => {
        const { shorthand, ...full } = jsonSchema as { shorthand?: string; properties?: Record<string, object> }
        if (!shorthand) return
        for (const key of Object.keys(jsonSchema)) delete jsonSchema[key]
        Object.assign(jsonSchema, { anyOf: [full.properties?.[shorthand] ?? {}, full] })
      },
    }),
  )
}

function bare({ $schema: _, $id: __, ...schema }: Json): Json {
  return schema
}
