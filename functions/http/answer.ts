// What every door does around its endpoint: turn away other sites' pages, hand it the dependencies, render refusals, report faults without
// leaking them, and set the headers that all answers share.
import { AppError } from '../../core/errors.ts'
import { DatabaseError } from '../../db/driver/errors.ts'
import type { Deps, Endpoint, EndpointContext } from '../../engine/deps.ts'
import { StoreFault } from '../../storage/store.ts'
import { secure } from './headers.ts'
import { allowOrigin, answerPreflight, requireOrigin } from './origin.ts'
import { problem } from './request.ts'

type Shared = Pick<Deps, 'config' | 'log'>

/** Never throws. A fault of ours answers 500, a database that can't be reached 503; both are logged once, here. */
export async function enter<Own extends Shared>(
  endpoint: Endpoint<Own>,
  request: Request,
  deps: Own,
  context: EndpointContext,
): Promise<Response> {
  const response = answerPreflight(request, deps) ?? (await answer(endpoint, request, deps, context))
  allowOrigin(request, deps, response.headers)
  return secure(response)
}

async function answer<Own extends Shared>(
  endpoint: Endpoint<Own>,
  request: Request,
  deps: Own,
  context: EndpointContext,
): Promise<Response> {
  try {
    requireOrigin(request, deps)
    return await endpoint(request, deps, context)
  } catch (error) {
    const { pathname } = new URL(request.url) // without the query, which may hold a secret
    const about = { method: request.method, path: pathname }
    if (error instanceof AppError) {
      // The operator's to mend, and nobody else would tell: a wrong webhook secret, a key that can't be had.
      if (error.status >= 500 || error.code === 'bad_signature') {
        deps.log.warn({ ...about, code: error.code, reason: error.message }, 'request refused')
      }
      return problem(error.code === 'not_configured' ? notConfigured(error) : error)
    }
    deps.log.error({ err: error, ...about }, 'request failed')
    return problem(faultOf(error))
  }
}

/** What is missing is the operator's to know, and is in the log; a stranger is told no names. */
export function notConfigured(cause: unknown): AppError {
  return new AppError('not_configured', 'This deployment is not set up completely; its log says what is missing.', {
    cause,
  })
}

function faultOf(error: unknown): AppError {
  if (error instanceof StoreFault)
    return new AppError('unavailable', 'The file store does not answer. Nothing was changed; try again.')
  if (!(error instanceof DatabaseError && error.isConnectionLost))
    return new AppError('internal', 'Something went wrong on our side. Try again.')
  const detail = error.wasNeverSent
    ? 'The database cannot be reached. Nothing was changed; try again.'
    : 'The database did not answer; it may have been done all the same. Look first, or repeat it with the same Idempotency-Key.'
  return new AppError('unavailable', detail)
}
