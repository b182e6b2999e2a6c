// GET /api/openapi.json: the contract as an OpenAPI 3.1 document, made from the schemas that the endpoints check requests with and the types
// of their answers come from.
import * as z from 'zod'
import {
  type CreateDocumentOptions,
  createDocument,
  createSchema,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiRequestBodyObject,
  type ZodOpenApiResponseObject,
  type ZodOpenApiResponsesObject,
  type ZodOpenApiSecuritySchemeObject,
} from 'zod-openapi'
import {
  attemptViewSchema,
  fileViewSchema,
  problemSchema,
  recipeViewSchema,
  sessionSchema,
  startedSchema,
  stepViewSchema,
  taskPageSchema,
  taskViewSchema,
} from '../core/answers.ts'
import { type ProblemCode, problems } from '../core/errors.ts'
import type { Recipe } from '../core/recipe.ts'
import type { Endpoint } from '../engine/deps.ts'
import { offeredRecipes } from '../engine/offer.ts'
import { operations } from './http/contract.ts'
import { withShorthands } from './http/input-schema.ts'
import {
  type Answer,
  answerHeaders,
  anywhere,
  type Operation,
  ofUsers,
  requestHeaders,
  tags,
  uploadBodies,
} from './http/operation.ts'
import { json, requireMethod } from './http/request.ts'
import { defaultRecipe, startEnvelope } from './start.ts'

type Json = Record<string, unknown>

export const openapi: Endpoint = async (request, deps) => {
  requireMethod(request, 'GET', 'HEAD')
  return json(describeApi(offeredRecipes(deps)), 200, { 'cache-control': 'public, max-age=300' })
}

export function describeApi(recipes: readonly Recipe[]) {
  const paths: ZodOpenApiPathsObject = {}
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation, recipes) }
  }
  return createDocument(
    {
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
      components: { schemas: named, securitySchemes },
    },
    options,
  )
}

/** Answers that are worth a name. */
const named = {
  ...{ Problem: problemSchema, Session: sessionSchema, Started: startedSchema, File: fileViewSchema },
  ...{ Recipe: recipeViewSchema },
  ...{ Attempt: attemptViewSchema, Step: stepViewSchema, Task: taskViewSchema, TaskPage: taskPageSchema },
}

const options: CreateDocumentOptions = {
  // Rules that JSON Schema can't say are in the refusals' words.
  allowEmptySchema: { custom: true, transform: true },
  override: ({ jsonSchema, io }) => {
    // What is answered may get further members one day, so nothing is said against them.
    if (io === 'output') delete jsonSchema.additionalProperties
    withShorthands({ jsonSchema: jsonSchema as Json })
  },
}

const securitySchemes: Record<string, ZodOpenApiSecuritySchemeObject> = {
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
const user = [{ token: [] }, { cookie: [] }]
const security = { anyone: [], user, cron, 'anyone, or cron': [{}, ...cron], 'anyone, or user': [{}, ...user] }

function describe(operation: Operation, recipes: readonly Recipe[]): ZodOpenApiOperationObject {
  const { id, tag, does, query, body, requestHeaders: names = [] } = operation
  return {
    operationId: id,
    tags: [tag],
    summary: does,
    security: security[operation.for],
    ...(query && { requestParams: { query } }),
    parameters: names.map((name) => ({
      ...{ name, in: 'header', description: requestHeaders[name], schema: { type: 'string' } },
    })),
    ...(body && { requestBody: { required: true, content: describeBody(body, recipes) } }),
    responses: { ...describeAnswers(operation), ...describeProblems(operation) },
  }
}

function describeBody(
  body: NonNullable<Operation['body']>,
  recipes: readonly Recipe[],
): ZodOpenApiRequestBodyObject['content'] {
  if (body === 'webhook') return { 'application/json': { schema: { type: 'object' } } }
  if (body === 'start') return { 'application/json': { schema: startShape(recipes) } }
  if (body !== 'upload') return { 'application/json': { schema: body } }
  const image = z.string().meta({
    contentMediaType: 'application/octet-stream',
    description: 'The one file of the form.',
  })
  return {
    ...Object.fromEntries(uploadBodies.map((type) => [type, {}])),
    'multipart/form-data': { schema: z.object({ image }) },
  }
}

/** One shape a recipe; its name may be left out for one of them. */
function startShape(recipes: readonly Recipe[]): Json {
  const { auto_continue, from, notify_url } = shapeOf(startEnvelope)['properties'] as Json
  const shapes = recipes.map(({ name, input, from: takes, candidates }) => {
    const envelope = {
      ...(takes && { from }),
      ...(candidates && { candidates: { type: 'integer', minimum: 1, maximum: candidates.max } }),
    }
    const withName = (shape: Json): Json => {
      if (Array.isArray(shape['anyOf'])) return { anyOf: shape['anyOf'].map(withName) }
      if (Array.isArray(shape['oneOf'])) return { oneOf: shape['oneOf'].map(withName) }
      const { properties, required, ...rest } = shape as { properties?: Json; required?: string[] }
      return {
        ...rest,
        properties: { recipe: { const: name }, auto_continue, notify_url, ...envelope, ...properties },
        required: [
          ...(name === defaultRecipe ? [] : ['recipe']),
          ...(required ?? []).filter((field) => field !== takes?.field),
        ],
        // A result of one's own instead of the first picture.
        ...(takes && {
          anyOf: [takes.field, 'from'].map((field) => ({ properties: { [field]: {} }, required: [field] })),
        }),
      }
    }
    return { title: name, ...withName(shapeOf(input)) }
  })
  return { anyOf: shapes }
}

const shapeOf = (schema: z.ZodType): Json => createSchema(schema, { io: 'input', opts: options }).schema as Json

function describeAnswers({ answers }: Operation): ZodOpenApiResponsesObject {
  return Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, describeAnswer(answer, status)]))
}

function describeAnswer(
  { says, json: schema, isFile, headers = [] }: Answer,
  status: string,
): ZodOpenApiResponseObject {
  const text = { type: 'string' } as const
  const described = headers.map((name) => [name, { description: answerHeaders[name], schema: text }])
  return {
    description: says,
    ...(headers.length > 0 && { headers: Object.fromEntries(described) }),
    ...(!['204', '304'].includes(status) && {
      content: {
        ...(isFile && { '*/*': {} }),
        ...((schema || !isFile) && { 'application/json': { schema: schema ?? { type: 'object' } } }),
      },
    }),
  }
}

/** Refusals by status, each with the codes that it can carry here. */
function describeProblems({ problems: own, for: whom }: Operation): ZodOpenApiResponsesObject {
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of [...own, ...(whom.endsWith('user') ? ofUsers : []), ...anywhere]) {
    byStatus.set(problems[code], [...(byStatus.get(problems[code]) ?? []), code])
  }
  return Object.fromEntries([...byStatus].map(([status, codes]) => [status, describeProblem(codes)]))
}

function describeProblem(codes: ProblemCode[]): ZodOpenApiResponseObject {
  const schema = { allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: codes } } }] }
  return { description: codes.join(', '), content: { 'application/problem+json': { schema } } }
}
