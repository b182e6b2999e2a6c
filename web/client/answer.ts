// Reads the functions' answers: JSON of a known shape, and problems. What is of another make is refused as `unexpected`.
import type { FieldError, ProblemCode } from '../../core/errors.ts'
import { StepgateError, unexpected, unreachable } from './error.ts'

/** Longer than this nobody is told to wait: a timer can't hold any number. */
const longestWaitMs = 3_600_000

/** `members` tell the functions' answer from another server's JSON. */
export async function readJson<T>(response: Response, members: readonly (keyof T & string)[]): Promise<T> {
  const text = (await response.text()).trim()
  const isJson = /[/+]json\b/.test(response.headers.get('content-type') ?? '')
  if (!isJson) throw unexpected(response, 'something else than JSON')
  const value = parse(text, response)
  const isOurs = typeof value === 'object' && value !== null && members.every((member) => member in value)
  if (!isOurs) throw unexpected(response, `JSON without ${members.join(', ')}`)
  return value as T
}

/** A proxy's page is no word of ours that it was done. */
export async function requireEmpty(response: Response): Promise<void> {
  if (response.status !== 204) throw unexpected(response, 'something, where the functions answer nothing')
}

function parse(text: string, response: Response): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    if (text === '' || /^[[{]/.test(text)) throw unreachable('The answer broke off.', cause)
    throw unexpected(response, 'something else than JSON')
  }
}

export async function readProblem(response: Response): Promise<StepgateError> {
  const { status } = response
  const retryAfterMs = retryAfter(response)
  const isProblem = response.headers.get('content-type')?.includes('problem+json')
  const problem: Record<string, unknown> = isProblem
    ? await readJson<Record<string, unknown>>(response, ['code', 'detail']).catch(() => ({}))
    : {}
  const { errors, task_id: taskId, site_key: siteKey, resets_at: resetsAt } = problem
  const { asked_micros: askedMicros, left_micros: leftMicros } = problem
  return new StepgateError({
    status,
    code: (textOf(problem['code']) as ProblemCode | undefined) ?? 'unexpected',
    detail: textOf(problem['detail']) ?? `The answer was HTTP ${status}.`,
    errors: Array.isArray(errors) ? (errors as FieldError[]) : [],
    ...(typeof taskId === 'string' && { taskId }),
    ...(typeof siteKey === 'string' && { siteKey }),
    ...(typeof resetsAt === 'string' && { resetsAt }),
    ...(typeof askedMicros === 'number' && { askedMicros }),
    ...(typeof leftMicros === 'number' && { leftMicros }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** In seconds, or as a date. */
export function retryAfter(response: Response): number | undefined {
  const text = response.headers.get('retry-after')
  if (text === null) return undefined
  const ms = /^\s*\d+\s*$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.min(longestWaitMs, Math.max(0, ms))
}
