// Turns the database's refusals of a start or a redo into answers: the lock of an exclusive recipe and the user's daily quota.
// The lock is a unique index over unfinished rows, so it is free the instant its task is over, however that came about.
import { AppError } from '../../core/errors.ts'
import { DatabaseError } from '../../db/driver/errors.ts'
import { type LockHolder, readLockHolder } from '../../db/statements/reads.ts'
import { clockOf, type Deps } from '../../engine/deps.ts'

/** Which lock is asked for, and by whom. */
type Wanted = { user_id: string } & ({ lock_key: string | null } | { rivalOf: string })

/** Between our look and our write a holder may end, and another begin; this often in a row is more than chance. */
const mostTries = 5

/** Throws `already_running`, naming the holder, when another task holds the lock, and `quota_exceeded` when the day's tasks are used up. */
export async function withinLimits<T>(deps: Deps, wanted: Wanted, write: () => Promise<T>): Promise<T> {
  let refused: unknown
  for (let tries = 0; tries < mostTries; tries += 1) {
    try {
      return await write()
    } catch (error) {
      const constraint = error instanceof DatabaseError ? error.constraint : undefined
      if (constraint === 'daily_starts_within_quota') throw quotaExceeded(deps)
      if (constraint !== 'tasks_lock') throw error
      refused = error
    }
    // A rival with the same Idempotency-Key may have won, whose task the second try finds; so the holder is asked for after it.
    const holder = tries > 0 ? await readLockHolder(deps.db, wanted) : undefined
    if (holder) throw alreadyRunning(holder, wanted.user_id)
  }
  throw new AppError('unavailable', 'Others keep taking the turn. Try again.', {
    cause: refused,
    headers: { 'retry-after': '5' },
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

function quotaExceeded(deps: Deps): AppError {
  const now = clockOf(deps)
  const resets = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1))
  const resets_at = resets.toISOString()
  const quota = deps.config.DAILY_TASKS_PER_USER
  return new AppError(
    'quota_exceeded',
    `You have started or redone ${quota} tasks today, which is the limit; it resets at ${resets_at}.`,
    { extra: { resets_at }, headers: { 'retry-after': String(Math.ceil((resets.getTime() - now.getTime()) / 1000)) } },
  )
}
