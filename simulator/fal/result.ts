// What a request that is over answers with, as the result endpoint, the webhook and the account's list all tell it.

import { linkedFiles } from '../jobs/files.ts'
import { isOver } from '../jobs/job.ts'
import { failureOf, type QueuedRequest, type State } from './protocol.ts'

interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers: Record<string, string>
  /** The output itself, where it succeeded. */
  readonly output: unknown
}

export function answerOf(state: State, request: QueuedRequest): Answer {
  const headers = { 'x-fal-request-id': request.own.gatewayId }
  const failure = failureOf(request)
  if (failure === undefined) {
    const output =
      request.withheld === 'no_output' ? {} : request.model.output(linkedFiles(state, request), request.input)
    return { status: 200, body: output, headers: { ...headers, 'x-fal-billable-units': '1' }, output }
  }
  const { status, detail, errorType, isStartTimeout } = failure
  return {
    status,
    body: { detail, ...(errorType && { error_type: errorType }) },
    headers: {
      ...headers,
      'x-fal-billable-units': '0',
      ...(errorType && { 'x-fal-error-type': errorType }),
      ...(isStartTimeout && { 'x-fal-request-timeout-type': 'user' }),
    },
    output: null,
  }
}

/** How fal sums a failure up, in the status and in the webhook. */
export function summaryOf(request: QueuedRequest): string | null {
  const failure = failureOf(request)
  if (failure === undefined) return null
  return typeof failure.detail === 'string' ? failure.detail : `Invalid status code: ${failure.status}`
}

/** The error in the status of a request that is over, if its failure is told there at all. */
export function toldError(request: QueuedRequest, now: number): { error?: string | null; error_type?: string } {
  const failure = failureOf(request)
  if (!isOver(request, now) || !failure?.isTold) return {}
  return { error: summaryOf(request), ...(failure.errorType && { error_type: failure.errorType }) }
}
