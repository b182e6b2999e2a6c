// Deletes what the database must be asked about: finished tasks after KEEP_FINISHED_DAYS, what an erasure has left, inputs whose task
// never came to be, and events that were told long ago; and has bills corrected. Recover calls it, and so does, once an hour, whatever else
// triggers a pass.
import pLimit from 'p-limit'
import { sweepDelivered } from '../db/statements/deliveries.ts'
import { eraseOld } from '../db/statements/erase.ts'
import { readMissing } from '../db/statements/reads.ts'
import { dropEndedSessions } from '../db/statements/sessions.ts'
import { notifyOf } from '../notify/index.ts'
import { mostParts } from '../storage/files.ts'
import { settleBills } from './bills.ts'
import { clockOf, type Deps } from './deps.ts'
import { erasureTerms, finishErasures } from './erase.ts'
import { noteMissing, readOldNotes } from './start-note.ts'

/** Small, so that a claim hardly ever meets it, and that its files go while recover's caller waits. */
const batch = 100
const tasksAtOnce = 8
/** Then the rest is left for the next time: the caller answers within a ping's patience, and tick lives for 30 s. */
const patienceMs = 8_000

export interface Swept {
  tasks: number
  orphans: number
}

/**
 * How many were deleted; their files go now or later. A store or database that fails is tried again with the next sweep, which goes on
 * where this one was.
 */
export async function sweepStored(deps: Deps): Promise<Swept> {
  const endBy = performance.now() + patienceMs
  const swept: Swept = { tasks: 0, orphans: 0 }
  try {
    const done = await Promise.all([
      sweepTasks(deps, endBy, swept),
      sweepOrphans(deps, endBy, swept),
      sweepOutbox(deps, endBy),
      settleBills(deps, endBy),
    ])
    if (!done.includes(false)) await deps.instants.note('sweep')
  } catch (error) {
    deps.log.error({ err: error, ...swept }, 'not everything was swept')
  }
  return swept
}

/** False: its time was over before all was gone. */
async function sweepTasks(deps: Deps, endBy: number, swept: Swept): Promise<boolean> {
  const { KEEP_FINISHED_DAYS: days } = deps.config
  await dropEndedSessions(deps.db, { now: deps.now?.() })
  while (performance.now() < endBy) {
    // What is noted goes first: nothing more is deleted while files can't be.
    const { isAll } = await finishErasures(deps, endBy)
    if (!isAll) return false
    if (days === null) return true
    const erased = await eraseOld(deps.db, { olderThanSeconds: days * 86_400, limit: batch, ...erasureTerms(deps) })
    swept.tasks += erased.length
    if (erased.length === 0) return true
  }
  return false
}

/** So long an operator can see and repeat what was told. */
const keepToldSeconds = 7 * 86_400
const toldBatch = 1_000

async function sweepOutbox(deps: Deps, endBy: number): Promise<boolean> {
  if (!notifyOf(deps.config)) return true
  while (performance.now() < endBy) {
    const how = { olderThanSeconds: keepToldSeconds, limit: toldBatch, now: deps.now?.() }
    if ((await sweepDelivered(deps.db, how)) < toldBatch) return true
  }
  return false
}

/**
 * A note whose task is there was left by a start that died later, and goes alone. A task that is missing for the first time may still come:
 * the start is noted anew by this sweep's clock, and what it has written goes when that note is old too. One reading of the clock says what is
 * old and stamps the new note: a clock that goes back in between would write one that is old at once.
 */
async function sweepOrphans(deps: Deps, endBy: number, swept: Swept): Promise<boolean> {
  const limit = pLimit(tasksAtOnce)
  const at = clockOf(deps)
  const notes = await readOldNotes(deps, at)
  for (let from = 0; from < notes.length; from += batch) {
    if (performance.now() >= endBy) return false
    const some = notes.slice(from, from + batch)
    const missing = await readMissing(
      deps.db,
      some.map(({ id }) => id),
    )
    const lost = some.filter(({ id }) => missing.includes(id))
    const [known, fresh] = [lost.filter(({ wasMissing }) => wasMissing), lost.filter(({ wasMissing }) => !wasMissing)]
    await limit.map(fresh, ({ id }) => noteMissing(deps, at, id))
    await limit.map(known, ({ id }) => deps.files.clear(`inputs/${id}/`, mostParts))
    await limit.map(some, ({ key }) => deps.files.remove(key))
    swept.orphans += known.length
  }
  return true
}
