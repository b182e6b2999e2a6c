// What worker, checker and recover have in common: any of them alone moves everything that is due, within a ping's patience.
import { endsWithin } from '../../core/deadline.ts'
import type { Cause } from '../../core/history.ts'
import type { Deps, EndpointContext, LightDeps } from '../../engine/deps.ts'
import { emptyResult, type PassOptions, type PassResult } from '../../engine/pass-result.ts'
import { sweepIfDue } from '../../engine/sweep-uploads.ts'
import { loadPass, runPassLate } from '../../engine/trigger.ts'

/** Monitors give up at 30 s; a pass that takes longer goes on after the answer, which shows the counts so far. */
const answerMs = 24_000

interface Pinged extends PassResult {
  duration_ms: number
}

interface PingOptions {
  by: Extract<Cause, 'worker' | 'checker' | 'recover' | 'tick'>
  /** Also when the wake mark says that there is nothing. */
  evenIfIdle?: boolean
  /** Less than a pass's usual time, and less until its copies have ended. */
  seconds?: number
  endSeconds?: number
}

/** A pass over everything due. That it came is noted for health, beside it. */
export async function ping(deps: Deps | LightDeps, context: EndpointContext, options: PingOptions): Promise<Pinged> {
  const started = performance.now()
  const { by, seconds, endSeconds } = options
  const noted = deps.instants.note(by)
  context.waitUntil(noted.catch((error) => deps.log.warn({ err: error, by }, 'a ping could not be noted')))
  const result = emptyResult()
  const work = passIfAwake(deps, options, { by, context, result, seconds, endSeconds })
  let isAnswered = false
  context.waitUntil(
    work.catch((error) => {
      if (isAnswered) deps.log.error({ err: error, by }, 'the pass failed after the answer')
    }),
  )
  await endsWithin(answerMs, work, deps.wait)
  isAnswered = true
  return { ...result, duration_ms: Math.round(performance.now() - started) }
}

async function passIfAwake(deps: Deps | LightDeps, { evenIfIdle }: PingOptions, pass: PassOptions): Promise<void> {
  // What is needed in any case is loaded while the mark is read.
  const [mark] = await Promise.all([deps.wake.look(), evenIfIdle && loadPass()])
  if (pass.by !== 'recover') pass.context.waitUntil(sweepIfDue(deps, { asksDatabase: mark !== undefined }))
  if (!mark && !evenIfIdle) return
  const { idle, nextDueAt } = await runPassLate(deps, pass)
  if (idle && mark) await deps.wake.lower(mark, nextDueAt ?? undefined)
}

/** In the words of the design that monitors may look for: "Checked 1 predictions". */
export const predictions = (count: number): string => `${count} predictions`
