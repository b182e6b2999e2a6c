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
  const errors = problem['errors']
  return new StepgateError({
    status,
    code: (problem['code'] as ProblemCode | undefined) ?? 'unexpected',
    detail: String(problem['detail'] ?? `The answer was HTTP ${status}.`),
    errors: Array.isArray(errors) ? (errors as FieldError[]) : [],
    ...(typeof problem['task_id'] === 'string' && { taskId: problem['task_id'] }),
    ...(typeof problem['site_key'] === 'string' && { siteKey: problem['site_key'] }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })
}

/** In seconds, or as a date. */
export function retryAfter(response: Response): number | undefined {
  const text = response.headers.get('retry-after')
  if (text === null) return undefined
  const ms = /^\s*\d+\s*$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.min(longestWaitMs, Math.max(0, ms))
}
