// Requests in, answers out: reading what an endpoint accepts, and the one renderer of refusals (RFC 9457 problem details). Every endpoint
// uses it.
import type { core, ZodType } from 'zod'
import type { Problem } from '../../core/answers.ts'
import { AppError, type FieldError, type ProblemCode } from '../../core/errors.ts'
import { beyondBounds, type JsonBounds } from '../../core/json-bounds.ts'

/** What Netlify accepts for a buffered request; our own server and this check hold it everywhere. */
const maxBodyBytes = 6 * 1024 * 1024
/** No recipe's input comes near these; what is beyond them is refused before it is parsed. */
const requestBounds: JsonBounds = { depth: 32, values: 10_000 }
/** Of a refusal: nobody reads more, and the caller chose how many there are and how long their names. */
const mostFieldErrors = 20
const longestPath = 100

export function requireMethod(request: Request, ...allowed: string[]): void {
  if (allowed.includes(request.method)) return
  const allow = allowed.join(', ')
  throw new AppError('method_not_allowed', `${request.method} is not possible here; use ${allow}.`, {
    headers: { allow },
  })
}

/** The token that is sent in the Authorization header. */
export function bearerOf(request: Request): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
}

/**
 * The JSON body, validated. Throws `invalid_json`, `body_too_large`, or `invalid_request` with one entry a wrong field. `revive` is JSON's own
 * reviver.
 */
export async function readJson<T>(
  request: Request,
  schema: ZodType<T>,
  revive?: (key: string, value: unknown) => unknown,
): Promise<T> {
  const text = await readText(request, requestBounds)
  let body: unknown
  try {
    body = JSON.parse(text, revive)
  } catch (cause) {
    throw new AppError('invalid_json', 'The body must be a JSON object.', { cause })
  }
  return validate(body, schema)
}

/** The body as text, for whoever parses it. Throws `body_too_large`, or `invalid_request` where it is JSON beyond the bounds. */
export async function readText(request: Request, bounds: JsonBounds): Promise<string> {
  const tooLarge = 'The body must be at most 6 MB; send images as URLs.'
  const text = new TextDecoder().decode(await readBytes(request, maxBodyBytes, tooLarge))
  const message = beyondBounds(text, bounds)
  if (message) throw invalid([{ path: '', message }])
  return text
}

/** The body as it is, read no further than allowed. Throws `body_too_large` with these words. */
export async function readBytes(
  request: Request,
  maxBytes: number,
  tooLarge: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) throw new AppError('body_too_large', tooLarge)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Query parameters, validated the same way. */
export function readQuery<T>(request: Request, schema: ZodType<T>): T {
  return validate(Object.fromEntries(new URL(request.url).searchParams), schema)
}

function validate<T>(value: unknown, schema: ZodType<T>): T {
  const nul = findNul(value)
  if (nul !== undefined) throw invalid([{ path: nul, message: 'must not contain NUL characters' }])
  return requireValid(schema, value)
}

/** Throws `invalid_request` with one entry a wrong, missing or unknown field. */
export function requireValid<T>(schema: ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value, { jitless: true })
  if (parsed.success) return parsed.data
  throw invalid(parsed.error.issues.flatMap((issue) => faultsOf(issue, value)))
}

function faultsOf(issue: core.$ZodIssue, value: unknown): FieldError[] {
  const path = issue.path.join('.')
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: path ? `${path}.${key}` : key, message: 'is not a field of this request' }))
  }
  const isMissing = issue.code === 'invalid_type' && issue.path.length > 0 && valueAt(value, issue.path) === undefined
  return [{ path, message: isMissing ? 'is required' : issue.message }]
}

const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner ? Reflect.get(inner, key) : undefined),
    value,
  )

export function invalid(all: FieldError[], options: { cause?: unknown } = {}): AppError {
  const errors = all.slice(0, mostFieldErrors).map(({ path, message }) => ({ path: shortened(path), message }))
  const first = errors[0]
  const detail = first ? `${first.path || 'The body'}: ${first.message}` : 'The request is not valid.'
  return new AppError('invalid_request', detail, { ...options, errors })
}

/** A refusal that names the field which is in the way of what was asked for. */
export const fieldRefusal = (code: ProblemCode, path: string, message: string): AppError =>
  new AppError(code, `${path}: ${message}.`, { errors: [{ path, message }] })

const shortened = (path: string): string => (path.length > longestPath ? `${path.slice(0, longestPath - 1)}…` : path)

/** Postgres can't store NUL. Looked for once here, so that no field of any recipe can forget it. */
function findNul(value: unknown, path = ''): string | undefined {
  if (typeof value === 'string') return value.includes('\0') ? path : undefined
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, inner] of Object.entries(value)) {
    const found = key.includes('\0') ? path : findNul(inner, path ? `${path}.${key}` : key)
    if (found !== undefined) return found
  }
  return undefined
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { 'cache-control': 'no-store', ...headers } })
}

/** A refusal as its receiver sees it. Anything that isn't an `AppError` tells nothing of itself. */
export function problem(error: AppError): Response {
  const document: Problem = {
    type: `https://stepgate.dev/problems/${error.code}`,
    title: error.code.replaceAll('_', ' '),
    status: error.status,
    detail: error.message,
    code: error.code,
    ...(error.errors && { errors: error.errors }),
    ...error.extra,
  }
  return new Response(JSON.stringify(document), {
    status: error.status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(error.code === 'unavailable' && { 'retry-after': '5' }),
      ...error.headers,
    },
  })
}
