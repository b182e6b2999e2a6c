// What the doctor's checks come to: findings, each one line with what to do. Runs the checks beside each other, each within its time.
import type { Config } from '../../core/config.ts'
import { HttpFailure } from '../../providers/connection.ts'
import type { Http } from '../../providers/http.ts'
import type { Asked } from './database.ts'
import type { Answered } from './site.ts'

export type State = 'ok' | 'warn' | 'FAIL'

export interface Finding {
  name: string
  state: State
  says: string
  todo?: string
}

/** What the checks look at. What several of them need is asked once. */
export interface Examined {
  env: Readonly<Record<string, string | undefined>>
  config: Config
  http: Http
  health(): Promise<Answered>
  server(): Promise<Asked>
}

/** A small question to the deployment. Throwing is a failure as well, in the error's words. */
export type Check = readonly [name: string, look: (examined: Examined) => Promise<Verdict | readonly Verdict[]>]

/** A finding without its name, or with one of its own. */
export type Verdict = Omit<Finding, 'name'> & { name?: string }

export const ok = (says: string): Verdict => ({ state: 'ok', says })
export const warn = (says: string, todo: string): Verdict => ({ state: 'warn', says, todo })
export const fail = (says: string, todo: string): Verdict => ({ state: 'FAIL', says, todo })
export const unchecked = (missing: string): Verdict => ({
  state: 'warn',
  says: `not checked, because ${missing} is not set here`,
})

/** Longer than a suspended database and a cold function take together. */
const withinMs = 30_000

export async function runChecks(checks: readonly Check[], examined: Examined): Promise<Finding[]> {
  const findings = await Promise.all(checks.map((check) => runCheck(check, examined)))
  return findings.flat()
}

async function runCheck([name, look]: Check, examined: Examined): Promise<Finding[]> {
  const late = Promise.withResolvers<Verdict>()
  const timer = setTimeout(
    () => late.resolve(fail(`no answer within ${withinMs / 1000} s`, 'Try again; then look at the log.')),
    withinMs,
  )
  try {
    const verdicts = await Promise.race([look(examined), late.promise])
    return [verdicts].flat().map((verdict) => ({ name, ...verdict }))
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error)
    const isAway = error instanceof HttpFailure
    const todo = isAway ? 'Check the address, and whether this machine may reach it.' : 'The words say why.'
    return [{ name, ...fail(says, todo) }]
  } finally {
    clearTimeout(timer)
  }
}
