// What a request that is over answers with, as the result endpoint, the webhook and the account's list all tell it.

import { isOver, type QueuedRequest } from './request.ts'
import { trainedFiles } from './weights.ts'

export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers: Record<string, string>
  /** The output itself, where it succeeded. */
  readonly output: Record<string, unknown> | null
}

export function answerOf(request: QueuedRequest, baseUrl: string): Answer {
  const { failure, withheld, gatewayId } = request
  const headers = { 'x-fal-request-id': gatewayId }
  if (failure === null) {
    const output = withheld === 'no_output' ? {} : outputOf(request, baseUrl)
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
export const summaryOf = ({ failure }: QueuedRequest): string | null =>
  failure === null
    ? null
    : typeof failure.detail === 'string'
      ? failure.detail
      : `Invalid status code: ${failure.status}`

/** The error in the status of a request that is over, if its failure is told there at all. */
export function toldError(request: QueuedRequest, now: number): { error?: string | null; error_type?: string } {
  const { failure } = request
  if (!isOver(request, now) || !failure?.isTold) return {}
  return { error: summaryOf(request), ...(failure.errorType && { error_type: failure.errorType }) }
}

export function filesOf(request: QueuedRequest): { name: string; type: string; size: number }[] {
  if (request.model.isTraining) return trainedFiles(request)
  return request.pictures.map(({ extension, type, bytes }, n) => ({
    name: `image-${n}.${extension}`,
    type,
    size: bytes.length,
  }))
}

function outputOf(request: QueuedRequest, baseUrl: string): Record<string, unknown> {
  const files = filesOf(request).map((file) => ({ ...file, url: `${baseUrl}/files/${request.id}/${file.name}` }))
  return request.model.result(files, request.input)
}
