// What fal says of a request: its status, and its result, which answers a failed request with the failure's own HTTP status.
// Called by checks and after a cancel. A gateway's hiccup is told from a failed request here, because only one of them ends a step.
import type { Observation, Prediction } from '../../core/provider.ts'
import type { HttpResponse } from '../connection.ts'
import { readAnswer } from '../outcome.ts'
import { wordsOf } from '../words.ts'
import type { FalCall } from './address.ts'

type Body = Record<string, unknown>

export const bodyOf = ({ body }: Pick<HttpResponse, 'body'>): Body =>
  typeof body === 'object' && body !== null ? (body as Body) : {}

export async function check(call: FalCall, { urls }: Prediction): Promise<Observation> {
  const status = await readStatus(call, urls.get)
  if (status.kind !== 'over') return status
  // fal has no word for failed: a request that failed is completed too, and may say so only here, or only in its result.
  const { error, error_type } = status.body
  const told = wordsOf(error) || isText(error_type) ? failureOf(status.body) : undefined
  const result = await readResult(call, urls.response)
  return told && result.kind !== 'failed' ? told : result
}

type Status = Exclude<Observation, { kind: 'succeeded' | 'failed' }> | { kind: 'over'; body: Body }

export function readStatus(call: FalCall, url: string | undefined): Promise<Status> {
  return readAnswer(call('GET', url), (response): Status => {
    if (response.status === 404) return { kind: 'missing' }
    // 202 while it waits or runs, 200 when it is over; the word decides.
    if (response.status !== 200 && response.status !== 202) return { kind: 'unreachable', reason: reasonOf(response) }
    const body = bodyOf(response)
    switch (body['status']) {
      case 'IN_QUEUE':
      case 'IN_PROGRESS':
        return { kind: 'running' }
      case 'COMPLETED':
        return { kind: 'over', body }
      default:
        return { kind: 'running', warning: `unknown status ${JSON.stringify(body['status'])?.slice(0, 100)}` }
    }
  })
}

function readResult(call: FalCall, url: string | undefined): Promise<Observation> {
  return readAnswer(call('GET', url), (response): Observation => {
    const { status, body } = response
    if (status === 200) {
      if (typeof body === 'object' && body !== null) return { kind: 'succeeded', output: body }
      return { kind: 'unreachable', reason: 'the result is not JSON, or was cut short' }
    }
    if (isJobsOwn(response)) {
      const otherwise = wordsOf(body) || `The request ended with status ${status}.`
      return failureOf(bodyOf(response), errorTypeOf(response), otherwise)
    }
    if (status === 404) return { kind: 'missing' }
    return { kind: 'unreachable', reason: reasonOf(response) }
  })
}

/** Statuses that a gateway gives in its own name: of them fal's id alone doesn't make a failed request. */
const gatewaysOwn = new Set([401, 403, 404, 408, 429])

/**
 * Whether a result's status is the failed request's own, and so final. Everything that can't be told apart is asked again:
 * a failed request answers the same the next time, a hiccup doesn't.
 */
function isJobsOwn(response: HttpResponse): boolean {
  const { status } = response
  if (status < 400) return false
  if (errorTypeOf(response) !== undefined || Array.isArray(bodyOf(response)['detail'])) return true
  if (gatewaysOwn.has(status)) return false
  // fal answers so to a result that is asked for before the end.
  if (status === 400 && /in progress/i.test(saidBy(bodyOf(response)))) return false
  return status < 500 || response.headers['x-fal-request-id'] !== undefined
}

function errorTypeOf(response: HttpResponse): string | undefined {
  return [bodyOf(response)['error_type'], response.headers['x-fal-error-type']].find(isText)
}

const canceled = new Set(['client_cancelled', 'client_disconnected'])

/** A failed request in fal's own words. */
export function failureOf(
  body: Body,
  type = textOf(body['error_type']),
  otherwise = 'fal gives no reason.',
): Observation {
  const code = type && canceled.has(type) ? 'provider_canceled' : 'provider_failed'
  return { kind: 'failed', code, reason: saidBy(body) || type || otherwise }
}

export function reasonOf(response: HttpResponse): string {
  const words = saidBy(bodyOf(response)) || wordsOf(response.body)
  return `fal answered ${response.status}${words && `: ${words}`}`
}

/** `detail` is a sentence, or a list of what is wrong with which field; `error` is a summary of it. */
const saidBy = ({ detail, error }: Body): string => wordsOf(detail) || wordsOf(error)

const textOf = (value: unknown) => (isText(value) ? value : undefined)
const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
