// How passes and clicks claim: what the statements have to know of the recipes, and of the limits that the deployment sets.
import type { Config } from '../core/config.ts'
import { placesOf } from '../core/recipe.ts'
import { type ClaimParams, type Claims, claimDue, type RecipeTerms } from '../db/statements/claim.ts'
import type { Cap } from '../db/statements/overdue.ts'
import type { MovedTask } from '../db/statements/user-moves.ts'
import { providers, settingOf } from '../providers/index.ts'
import { clockOf, type Deps } from './deps.ts'
import type { CausedBy } from './journal.ts'

/** Claimed tasks, and until when their creates may be sent: after that a claim might run out before the answer comes. */
export interface Claim extends Claims {
  sendBy: Date
}

/** Between two looks of a deployment that has nothing to do but to delete what is old. */
const daySeconds = 86_400

/** The instant is taken before the statement: what comes between costs patience, never safety. */
export async function claim(deps: Deps, timed: CausedBy, which: Pick<ClaimParams, 'taskId' | 'dueBy'>): Promise<Claim> {
  const sendBy = sendByOf(deps)
  const { config } = deps
  const claims = await claimDue(deps.db, {
    terms: termsOf(deps),
    limit: config.PASS_BATCH,
    submitLeaseSeconds: config.SUBMIT_LEASE_SECONDS,
    caps: capsOf(config),
    ...(config.KEEP_FINISHED_DAYS !== null && { sweepSeconds: daySeconds }),
    ...which,
    ...timed,
  })
  return { ...claims, sendBy }
}

/** A suspended function goes on where it was, however late: so the wall clock is asked once more right before the POST. */
export function sendByOf(deps: Deps): Date {
  const { SUBMIT_LEASE_SECONDS: lease, SUBMIT_TIMEOUT_SECONDS: timeout } = deps.config
  return new Date(clockOf(deps).getTime() + Math.max(lease - timeout, 1) * 1000)
}

export function termsOf({ config, recipes }: Deps): RecipeTerms[] {
  return [...recipes.values()].map(({ name, timing }) => ({
    ...timing,
    recipe: name,
    minCheckSeconds: config.CHECK_MIN_SECONDS ?? timing.minCheckSeconds,
    maxCheckSeconds: config.CHECK_MAX_SECONDS ?? timing.maxCheckSeconds,
  }))
}

export function capsOf(config: Config): Cap[] {
  return providers.flatMap(({ name, cap: variable }) => {
    const cap = settingOf(config, variable)
    return typeof cap === 'number' ? [{ provider: name, cap }] : []
  })
}

/**
 * What continue needs to begin the attempt itself. Not at a capped provider, where one queues for a slot; and only at one whose list shows
 * what runs: there an attempt whose click died before its POST is found out in minutes, elsewhere at the recipe's limit.
 */
export function continueTerms(deps: Deps) {
  const capped = new Set(capsOf(deps.config).map(({ provider }) => provider))
  const isQuick = (provider: string) => !capped.has(provider) && deps.providers.get(provider)?.listRunning !== undefined
  const places = [...deps.recipes.values()].flatMap(placesOf).filter(({ provider }) => isQuick(provider))
  const claims = places.map(({ name: recipe, provider, timing: { limitSeconds } }) => ({
    recipe,
    provider,
    limitSeconds,
  }))
  return { claims, submitLeaseSeconds: deps.config.SUBMIT_LEASE_SECONDS }
}

/** The attempt that a click has begun, if it has; its create is still to be sent. Not where it was canceled since, or is a pass's. */
export function begunAttempt(task: MovedTask, sendBy: Date): Claim | undefined {
  const isOwn = task.claim_token === task.claim_id
  if (task.status !== 'processing' || task.phase !== 'submitting' || !isOwn) return undefined
  return { tasks: [{ ...task, work: 'submit', claimed_at: task.updated_at }], nextDueAt: null, sendBy }
}
