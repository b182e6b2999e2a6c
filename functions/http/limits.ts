// Turns the database's refusals of a start, redo or continue into answers: the lock of an exclusive recipe, the user's daily quota, and the
// ceilings of what may be spent.
// The lock is a unique index over unfinished rows, so it is free the instant its task is over, however that came about.
import { AppError } from '../../core/errors.ts'
import { dollarsOf } from '../../core/price.ts'
import type { Recipe } from '../../core/recipe.ts'
import { DatabaseError } from '../../db/driver/errors.ts'
import { type LockHolder, readLockHolder } from '../../db/statements/reads.ts'
import { SessionEnded, SpendingStopped } from '../../db/statements/start.ts'
import { readSpent, readStoredBytes } from '../../db/statements/usage.ts'
import { ceilingsOf, endOfDay, leftOf } from '../../engine/budget.ts'
import { clockOf, type Deps, type EndpointContext } from '../../engine/deps.ts'
import { alertSpending } from '../../engine/journal.ts'
import { sessionEnded } from './users.ts'

/** Which lock is asked for, and by whom. */
type Wanted = { user_id: string; asks(): Promise<Asked>; context: EndpointContext } & (
  | { lock_key: string | null }
  | { rivalOf: string }
)

/** What it would cost, for a refusal's words. */
interface Asked {
  recipe: string
  micros: number
}

type RoomDeps = Pick<Deps, 'db' | 'config'>

/** `storage_exceeded` where the user's results take as much as they may. */
export async function roomFault({ db, config }: RoomDeps, user_id: string): Promise<AppError | undefined> {
  const { STORED_MB_PER_USER: most } = config
  if (most === null) return undefined
  const bytes = await readStoredBytes(db, user_id)
  if (bytes < most * 1_000_000) return undefined
  const taken = Math.floor(bytes / 1_000_000)
  const detail = `Your results take ${taken} MB of the ${most} MB that they may: delete tasks that you no longer need.`
  return new AppError('storage_exceeded', detail)
}

/** What an unfinished task of the recipe holds; null where it may run beside others. */
export function lockOf({ name, exclusive }: Recipe, userId: string): string | null {
  if (!exclusive) return null
  return exclusive === 'user' ? `${name} ${userId}` : name
}

/** Between our look and our write a holder may end, and another begin; this often in a row is more than chance. */
const mostTries = 5

/**
 * Throws `already_running`, naming the holder, when another task holds the lock, `quota_exceeded` when the day's tasks are used up,
 * `budget_exceeded` when it would cost more than is left, `spending_stopped` when an operator says so, and `unauthenticated` when the
 * session was ended.
 */
export async function withinLimits<T>(deps: Deps, wanted: Wanted, write: () => Promise<T>): Promise<T> {
  let refused: unknown
  for (let tries = 0; tries < mostTries; tries += 1) {
    try {
      return await write()
    } catch (error) {
      if (error instanceof SpendingStopped) throw spendingStopped()
      if (error instanceof SessionEnded) throw sessionEnded()
      const constraint = error instanceof DatabaseError ? error.constraint : undefined
      if (constraint === 'spending_within_ceiling') throw await budgetExceeded(deps, wanted)
      if (constraint === 'daily_starts_within_quota') throw quotaExceeded(deps)
      if (constraint !== 'tasks_lock') throw error
      refused = error
    }
    // A rival with the same Idempotency-Key may have won, whose task the second try finds; so the holder is asked for after it.
    const holder = tries > 0 ? await readLockHolder(deps.db, wanted) : undefined
    if (holder) throw alreadyRunning(holder, wanted.user_id)
  }
  throw new AppError('unavailable', 'Other tasks of this recipe keep beginning just before yours. Try again.', {
    cause: refused,
  })
}

/** Somebody else's task is not shown: of a recipe that runs once at a time for all, only that it runs. */
function alreadyRunning(holder: LockHolder, userId: string): AppError {
  const { id, recipe, current_step: step, total_steps, status } = holder
  if (holder.user_id !== userId) {
    const detail = `Somebody else's ${recipe} task is running, and only one runs here at a time. Try again in a while.`
    return new AppError('already_running', detail, { extra: { task_id: null } })
  }
  const where = step === 0 ? 'about to begin' : `at step ${step} of ${total_steps}`
  const isYourTurn = status === 'waiting_continue'
  const detail = isYourTurn
    ? `Your ${recipe} task waits for you, ${where}. Continue or cancel it before you start another.`
    : `Your ${recipe} task is still running, ${where}. Wait until it is done, or cancel it, before you start another.`
  return new AppError('already_running', detail, { extra: { task_id: id } })
}

export const spendingStopped = (): AppError =>
  new AppError('spending_stopped', 'Spending is stopped here for now: nothing new begins. What runs is finished.', {
    headers: { 'retry-after': '600' },
  })

async function budgetExceeded(deps: Deps, { user_id, asks, context }: Wanted): Promise<AppError> {
  const { recipe, micros } = await asks()
  const spent = await readSpent(deps.db, { user_id, recipe, now: deps.now?.() })
  const ceilings = ceilingsOf(deps)
  const left = leftOf(ceilings, spent, recipe) ?? 0
  alertSpending(deps, context, spent.all, { isRefusing: ceilings.all !== null && ceilings.all - spent.all < micros })
  const { resets_at, headers } = untilTomorrow(spent.at)
  return new AppError(
    'budget_exceeded',
    `This may cost ${dollarsOf(micros)}, and ${dollarsOf(left)} is left today; the limit resets at ${resets_at}.`,
    { extra: { resets_at, asked_micros: micros, left_micros: left }, headers },
  )
}

function untilTomorrow(now: Date): { resets_at: string; headers: Record<string, string> } {
  const resets = endOfDay(now)
  const seconds = Math.ceil((resets.getTime() - now.getTime()) / 1000)
  return { resets_at: resets.toISOString(), headers: { 'retry-after': String(seconds) } }
}

function quotaExceeded(deps: Deps): AppError {
  const { resets_at, headers } = untilTomorrow(clockOf(deps))
  const quota = deps.config.DAILY_TASKS_PER_USER
  return new AppError(
    'quota_exceeded',
    `You have started or redone ${quota} tasks today, which is the limit; it resets at ${resets_at}.`,
    { extra: { resets_at }, headers },
  )
}
