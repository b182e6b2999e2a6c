// Where uploads are kept: under their hour and their owner, until a day is over. A task that uses one gets a copy of its own at start, so
// whatever is here and old is used by no task. Pings call `sweepIfDue` beside their pass; recover sweeps in any case.
import { isHourOver } from '../core/upload.ts'
import { clockOf, type Deps, type LightDeps } from './deps.ts'

/** Of one sweep: beside a pass, within a ping's patience. What is left then is the next trigger's. */
const sweepMs = 8_000
/** Between two looks at the clock. */
const batch = 100
/** After a sweep that left nothing. */
const restMs = 55 * 60_000

type Needs = Pick<LightDeps, 'files' | 'instants' | 'log' | 'now'>

/**
 * Sweeps an hour after the last sweep that left nothing: uploads by every ping, without the database, so that idle stays free;
 * `sweepStored` too where a pass asks the database anyway. Never rejects.
 */
export async function sweepIfDue(deps: Deps | LightDeps, { looks }: { looks: boolean }): Promise<void> {
  try {
    if (await isDue(deps, 'upload sweep')) await sweepUploads(deps)
    if (!looks || !(await isDue(deps, 'sweep'))) return
    const [{ sweepStored }, whole] = await Promise.all([import('./sweep.ts'), 'whole' in deps ? deps.whole() : deps])
    await sweepStored(whole)
  } catch (error) {
    deps.log.warn({ err: error }, 'it is not known what is to be swept')
  }
}

async function isDue(deps: Pick<LightDeps, 'instants' | 'now'>, name: 'upload sweep' | 'sweep'): Promise<boolean> {
  const last = await deps.instants.last(name)
  return !last || Math.abs(clockOf(deps).getTime() - last.getTime()) >= restMs
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
