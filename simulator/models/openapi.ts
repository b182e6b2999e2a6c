// A model's published schema as each provider tells it: Replicate with the model and its version, fal as a document of the endpoint's queue.

import { createHash } from 'node:crypto'
import type { ModelSchema } from './schemas.ts'

const published = '2026-01-01T00:00:00.000Z'

/** Official models are run by their name, yet have versions. */
export const versionOf = ({ name, version }: ModelSchema) => version ?? createHash('sha256').update(name).digest('hex')

export function replicateVersion(schema: ModelSchema) {
  return {
    id: versionOf(schema),
    created_at: published,
    cog_version: '0.16.0',
    openapi_schema: {
      openapi: '3.0.2',
      info: { title: 'Cog', version: '0.1.0' },
      paths: {},
      components: { schemas: schema.schemas },
    },
  }
}

export function replicateModel(schema: ModelSchema) {
  const [owner, name] = schema.name.split('/')
  return {
    ...{ owner, name, visibility: 'public', is_official: schema.official, run_count: 0, description: null },
    ...{ url: `https://replicate.com/${schema.name}`, license_url: null, github_url: null, paper_url: null },
    ...{ cover_image_url: null, default_example: schema.example === undefined ? null : { output: schema.example } },
    latest_version: replicateVersion(schema),
  }
}

const status = {
  type: 'object',
  properties: {
    status: { type: 'string', enum: ['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED'] },
    request_id: { type: 'string' },
    response_url: { type: 'string' },
    status_url: { type: 'string' },
    cancel_url: { type: 'string' },
  },
  required: ['status', 'request_id'],
}

const answers = (name: string) => ({
  200: { content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } } },
})

export function falDocument({ name, input, output, schemas }: ModelSchema) {
  const body = { content: { 'application/json': { schema: { $ref: `#/components/schemas/${input}` } } } }
  return {
    openapi: '3.0.4',
    info: { title: `Queue OpenAPI for ${name}`, version: '1.0.0', 'x-fal-metadata': { endpointId: name } },
    components: { schemas: { QueueStatus: status, ...schemas } },
    paths: {
      [`/${name}/requests/{request_id}/status`]: { get: { responses: answers('QueueStatus') } },
      [`/${name}/requests/{request_id}/cancel`]: { put: { responses: {} } },
      [`/${name}`]: { post: { requestBody: { required: true, ...body }, responses: answers('QueueStatus') } },
      [`/${name}/requests/{request_id}`]: { get: { responses: answers(output) } },
    },
  }
}
