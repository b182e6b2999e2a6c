// Checks many predictions in few requests, where a provider lists them: a pass asks here before it asks for each by itself.
// A list may lag behind, so it only ever says "not over yet": what it doesn't show as running, and every end, is asked for itself.

import { endsWithin } from '../core/deadline.ts'
import { shorten } from '../core/decide.ts'
import type { Claimed } from '../db/statements/claimed.ts'
import type { Deps } from './deps.ts'

/** From so many on, a list is quicker than checks at the default concurrency, and a hundredth of the requests. */
const listFrom = 100
/** Creates and other checks wait for it. */
const listMs = 3_000

/** The tasks whose prediction was just seen running: nothing is to be asked about them, and nothing to be written. */
export async function listRunningTasks(deps: Deps, tasks: readonly Claimed[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for (const [provider, checks] of Map.groupBy(tasks.filter(mayBeListed), (task) => task.provider)) {
    if (checks.length < listFrom) continue
    const running = await listOf(deps, provider, checks)
    for (const { id, prediction_id } of checks) if (running.has(prediction_id ?? '')) found.add(id)
  }
  return found
}

/**
 * Not where "running" would change something: after a 404, or at the limit. Past half of its time a prediction is asked for
 * itself, so that a list which stands still costs no result: the provider keeps it longer than that.
 */
function mayBeListed({ work, phase, misses, unanswered, submitted_at, deadline_at, claimed_at }: Claimed): boolean {
  if (work !== 'check' || phase !== 'running' || misses > 0 || unanswered > 0 || !submitted_at || !deadline_at)
    return false
  return claimed_at.getTime() * 2 < submitted_at.getTime() + deadline_at.getTime()
}

async function listOf(deps: Deps, name: string, checks: readonly Claimed[]): Promise<ReadonlySet<string>> {
  const ids = new Set(checks.flatMap(({ prediction_id }) => prediction_id ?? []))
  const since = new Date(Math.min(...checks.map(({ submitted_at }) => submitted_at?.getTime() ?? 0)))
  try {
    const list = deps.providers.get(name)?.listRunning?.({ since, ids }) ?? Promise.resolve(nothing)
    if (!(await endsWithin(listMs, list, deps.wait))) {
      deps.log.warn({ provider: name, ms: listMs }, 'no list in time')
      list.catch((error) => deps.log.warn({ err: error, provider: name }, 'a late list could not be read'))
      return nothing.running
    }
    const { running, warning } = await list
    if (warning) deps.log.warn({ provider: name, reason: shorten(warning), running: running.size }, 'no whole list')
    return running
  } catch (error) {
    deps.log.error({ err: error, provider: name }, 'the list could not be read')
    return nothing.running
  }
}

const nothing: { running: ReadonlySet<string>; warning?: string } = { running: new Set() }
