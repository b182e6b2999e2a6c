// What this deployment may spend: the ceilings that statements are told, and what is left of them. Endpoints and the journal call it.
import { type Ceilings, microsOf } from '../core/price.ts'
import type { Spent } from '../db/statements/usage.ts'
import type { Deps } from './deps.ts'

type Limits = Pick<Deps, 'config' | 'recipes'>

export function ceilingsOf({ config, recipes }: Limits): Ceilings {
  const own = [...recipes.values()].flatMap(({ name, budgetPerDay }) =>
    budgetPerDay === undefined ? [] : [[name, microsOf(budgetPerDay)] as const],
  )
  return { all: config.BUDGET_PER_DAY, user: config.BUDGET_PER_USER_PER_DAY, recipes: Object.fromEntries(own) }
}

/** What a user may still spend today, on tasks of a recipe where one is named; null where there is no ceiling. */
export function leftOf({ all, user, recipes }: Ceilings, spent: Spent, recipe = ''): number | null {
  const left = [
    [all, spent.all],
    [user, spent.user],
    [recipes[recipe] ?? null, spent.recipe],
  ] as const
  const open = left.flatMap(([ceiling, taken]) => (ceiling === null ? [] : [Math.max(0, ceiling - taken)]))
  return open.length > 0 ? Math.min(...open) : null
}

/** When the day (UTC) is over. */
export const endOfDay = (now: Date): Date =>
  new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1))
