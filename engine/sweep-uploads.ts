// Deletes uploads of a day ago: a task that uses one gets a copy of its own at start, so that no task needs them. Pings call `sweepIfDue`
// beside their pass, and requests after theirs; recover sweeps in any case.
import { isHourOver } from '../core/upload.ts'
import { clockOf, type Deps, type LightDeps } from './deps.ts'

/** Of one sweep: within a ping's patience, and what is left of a function's life after a pass. The rest is the next trigger's. */
const sweepMs = 8_000
/** Between two looks at the clock. */
const batch = 100
/** After a sweep that left nothing. */
const restMs = 55 * 60_000

type Needs = Pick<LightDeps, 'files' | 'instants' | 'log' | 'now'>

/**
 * Sweeps an hour after the last sweep that left nothing: uploads without the database, so that idle pings stay free; `sweepStored` too
 * where the trigger's pass asks the database anyway. Never rejects.
 */
export async function sweepIfDue(deps: Deps | LightDeps, { asksDatabase }: { asksDatabase: boolean }): Promise<void> {
  await Promise.all([
    inTurn(deps, 'upload sweep', () => sweepUploads(deps)),
    asksDatabase && inTurn(deps, 'sweep', () => sweepStoredLate(deps)),
  ])
}

async function inTurn(deps: Needs, name: 'upload sweep' | 'sweep', sweep: () => Promise<unknown>): Promise<void> {
  try {
    if (await deps.instants.takeTurn(name, restMs)) await sweep()
  } catch (error) {
    deps.log.warn({ err: error }, 'it is not known what is to be swept')
  }
}

async function sweepStoredLate(deps: Deps | LightDeps): Promise<void> {
  const [{ sweepStored }, whole] = await Promise.all([import('./sweep.ts'), 'whole' in deps ? deps.whole() : deps])
  await sweepStored(whole)
}

/** Deletes uploads of a day ago until none is left or its time is over. Gives how many; a store that fails is tried again with the next sweep. */
export async function sweepUploads(deps: Needs, patienceMs: number = sweepMs): Promise<number> {
  const endBy = performance.now() + patienceMs
  let swept = 0
  try {
    const hours = await deps.files.folders('uploads/')
    for (const hour of hours.filter((hour) => isHourOver(hour, clockOf(deps))).toSorted()) {
      for (;;) {
        if (performance.now() >= endBy) return swept
        const removed = await deps.files.clear(`uploads/${hour}/`, batch)
        swept += removed
        if (removed < batch) break
      }
    }
    await deps.instants.note('upload sweep')
  } catch (error) {
    deps.log.error({ err: error, swept }, 'expired uploads were not all deleted')
  }
  return swept
}
