// Calls one door under production's terms: its time limit, its context, no word of an error to the client. router.ts calls it.

import type { Door } from '../build/doors.ts'
import { AppError } from '../core/errors.ts'
import { problem } from '../functions/http/request.ts'
import { makeContext } from './context.ts'

export interface RouterLog {
  info(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface RunOptions {
  log: RouterLog
  /** Work that outlives the answer, to be waited for before the process ends. */
  track: (work: Promise<void>) => void
  params: Record<string, string>
  ip: string
  /** Fires at the time limit, or when the client leaves. */
  signal: AbortSignal
}

/** A door that throws gives 500; undefined where it took too long, or nobody waits for it any more. */
export async function runDoor(door: Door, request: Request, options: RunOptions): Promise<Response | undefined> {
  const { log, track, signal } = options
  const context = makeContext({
    request,
    params: options.params,
    ip: options.ip,
    log: (message) => log.info({ door: door.name }, message),
    waitUntil: (promise) =>
      track(promise.then(() => {}).catch((err) => log.error({ err, door: door.name }, 'work after an answer failed'))),
  })
  const answer = (async () => {
    try {
      const response: unknown = await door.handle(request, context)
      if (response instanceof Response) return response
      throw new TypeError(`Door ${door.name} answered with something else than a Response`)
    } catch (err) {
      log.error({ err, door: door.name }, 'a door failed')
      return problem(new AppError('internal', 'Something went wrong on our side. Try again.'))
    }
  })()
  const response = await beforeAbort(answer, signal)
  if (response) return response
  // It still runs: what it holds is let go when it comes.
  track(answer.then((late) => late.body?.cancel()))
  if (signal.reason.name === 'TimeoutError') log.error({ err: signal.reason, door: door.name }, 'a door took too long')
  return undefined
}

/** Listens no longer than it waits: a request and its signal would otherwise keep each other in memory for good. */
async function beforeAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const aborted = Promise.withResolvers<undefined>()
  const abort = () => aborted.resolve(undefined)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort)
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
