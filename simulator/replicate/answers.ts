// The error bodies that Replicate answers with, as seen in public captures; the simulated one gives the same.

import type { z } from 'zod'
import type { InputFault } from '../models/model.ts'

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  Response.json(body, { status, headers })

const problem = (status: number, title: string, detail: string, more: object = {}) =>
  json({ title, detail, status, ...more }, status)

export const unauthenticated = () => problem(401, 'Unauthenticated', 'You did not pass a valid authentication token')

export const noCredit = () =>
  problem(
    402,
    'Insufficient credit',
    'You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing to purchase credit. Once you purchase credit, please wait a few minutes before trying again.',
  )

export const notFound = (detail = 'The requested resource could not be found.') => json({ detail, status: 404 }, 404)

/** Replicate's own words would not say what to do about it. */
export const unknownModel = (name: string) =>
  notFound(
    `The simulator does not know the model ${name}: add its schema with \`npm run add -- replicate:${name}\`, or a recipe whose example shows it (docs/simulator.md).`,
  )

export const rejectedFile = () => problem(400, 'Bad request', 'content: must be one file of at most 100 MiB')

export const badRequest = (detail: string) => problem(400, 'Bad request', detail)

export const invalidVersion = () =>
  problem(
    422,
    'Invalid version or not permitted',
    'The specified version does not exist (or perhaps you don’t have permission to use it?) The simulator knows those in simulator/schemas/replicate; docs/simulator.md says how to add one.',
  )

export const rejected = () => problem(422, 'Input validation failed', '- input: the model refused this input\n')

/** A field that is missing is a fault of what it is missing in. */
export function invalidInput(faults: readonly InputFault[], within: string) {
  const fields = faults.map(({ path, message, type }) => {
    const isMissing = type === 'missing'
    const at = isMissing ? path.slice(0, -1) : path
    return {
      type,
      field: [within, ...at].filter((part) => part !== '').join('.'),
      description: isMissing ? `${path.at(-1)} is required` : message,
    }
  })
  const detail = fields.map(({ field, description }) => `- ${field}: ${description}\n`).join('')
  return problem(422, 'Input validation failed', detail, { invalid_fields: fields })
}

/** What is wrong with the request around the input. */
export const invalidBody = ({ issues }: z.ZodError) =>
  invalidInput(
    issues.map(({ path, message, code }) => ({ path: path as (string | number)[], message, type: code })),
    '',
  )

/** The delay stands in the body; whether a header ever carries it isn't documented, so faults may ask for that. */
export function rateLimited(retryAfter: number, inHeader = false) {
  const body = { detail: `Request was throttled. Your rate limit resets in ~${retryAfter}s.`, status: 429 }
  return inHeader
    ? json(body, 429, { 'retry-after': String(retryAfter) })
    : json({ ...body, retry_after: retryAfter }, 429)
}

export const serverError = (status: number) => json({ detail: 'Something went wrong on our side.', status }, status)
