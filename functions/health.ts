// GET /api/health: 200 when the database answers, 503 when it doesn't. To the cron secret it tells how things stand.
import { endsWithin } from '../core/deadline.ts'
import { AppError } from '../core/errors.ts'
import { probeDatabase } from '../db/statements/reads.ts'
import { clockOf, type Deps, type Endpoint } from '../engine/deps.ts'
import { readHealth } from '../engine/health.ts'
import { isCron } from './http/cron-secret.ts'
import { json, requireMethod } from './http/request.ts'

/** Less than any monitor's patience. */
const answerMs = 10_000

export const health: Endpoint = async (request, deps) => {
  requireMethod(request, 'GET', 'HEAD')
  try {
    const told = isCron(request, deps) ? details(deps) : askSeldom(deps)
    if (!(await endsWithin(answerMs, told, deps.wait))) throw new Error(`No answer within ${answerMs} ms`)
    return json({ status: 'ok', ...(await told) })
  } catch (cause) {
    deps.log.error({ err: cause }, 'health: the database does not answer')
    throw new AppError('unavailable', 'The database does not answer.', { cause })
  }
}

/** When this container's database last answered, and the question that is under way. */
const answeredAt = new WeakMap<Deps['db'], number>()
const asking = new WeakMap<Deps['db'], Promise<void>>()
const busyMs = 60_000
const idleMs = 3_600_000

/**
 * A stranger's look must not keep a database awake: once it has answered, it is not asked again for a minute, nor for an hour while
 * there is nothing to do. What fails is asked again at once. Who comes while it is asked waits for the same answer.
 */
async function askSeldom(deps: Deps): Promise<object> {
  if (hasAnswered(deps, busyMs) || (hasAnswered(deps, idleMs) && !(await isBusy(deps)))) return {}
  await askOnce(deps)
  return {}
}

/** Whether the database has answered within so long. */
function hasAnswered(deps: Deps, ms: number): boolean {
  const age = clockOf(deps).getTime() - (answeredAt.get(deps.db) ?? Number.NEGATIVE_INFINITY)
  return age >= 0 && age < ms
}

async function askOnce(deps: Deps): Promise<void> {
  const { db } = deps
  const known = asking.get(db)
  if (known) return known
  // Another may have asked while the store was.
  if (hasAnswered(deps, busyMs)) return
  const asked = probeDatabase(db)
    .then(() => void answeredAt.set(db, clockOf(deps).getTime()))
    .finally(() => asking.delete(db))
  asking.set(db, asked)
  return asked
}

/** A store that does not answer is no sign of rest. */
const isBusy = async ({ wake }: Deps): Promise<boolean> => wake.look().then(Boolean, () => true)

async function details(deps: Deps): Promise<object> {
  const started = performance.now()
  const standing = await readHealth(deps)
  return { database: { answered_in_ms: Math.round(performance.now() - started) }, ...standing }
}
