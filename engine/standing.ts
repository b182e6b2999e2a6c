// Reads how things stand, in one statement; the instants of pings come from the blob store. GET /api/health and `npm run tasks -- stats`
// call it.
import type { Standing } from '../core/answers.ts'
import { statuses } from '../core/task.ts'
import { type Figures, type Problem, readFigures } from '../db/statements/overview.ts'
import { capsOf } from './claim.ts'
import { clockOf, type Deps } from './deps.ts'
import { readMemory, readMemoryLimits } from './journal.ts'

export async function readStanding(
  deps: Pick<Deps, 'db' | 'config' | 'providers' | 'instants' | 'now' | 'log'>,
): Promise<Standing> {
  const [figures, dead_man] = await Promise.all([
    readFigures(deps.db, { caps: capsOf(deps.config), now: deps.now?.() }),
    readDeadMan(deps),
  ])
  return standingOf(deps, figures, dead_man)
}

function standingOf(
  deps: Pick<Deps, 'config' | 'providers'>,
  figures: Figures,
  dead_man: Standing['dead_man'],
): Standing {
  const { counts, locks_held, oldest_due_age_seconds, last_problem } = figures
  const recipes: Standing['recipes'] = {}
  const tasks = noTasks()
  for (const { recipe, status, count } of counts) {
    const own = recipes[recipe] ?? noTasks()
    own[status] += count
    tasks[status] += count
    recipes[recipe] = own
  }
  return {
    tasks,
    recipes,
    providers: providersOf(deps, figures),
    oldest_due_age_seconds,
    locks_held,
    memory: { ...readMemory(), ...readMemoryLimits() },
    last_problem: last_problem && problemOf(last_problem),
    dead_man,
  }
}

const noTasks = () => Object.fromEntries(statuses.map((status) => [status, 0])) as Standing['tasks']

function problemOf({ rss_mb, heap_mb, ...problem }: Problem) {
  return { ...problem, memory: { rss_mb, heap_mb } }
}

const unheard = { accepted_at: null, refused: 0, refused_at: null, last_reason: null }
const still = { in_flight: 0, paused_until: null, paused_for: null, webhooks: unheard, silent: null }

/** Every provider that is configured here, has something in flight, is paused, or has sent webhooks. */
function providersOf(deps: Pick<Deps, 'config' | 'providers'>, { providers: known }: Figures): Standing['providers'] {
  const caps = new Map(capsOf(deps.config).map(({ provider, cap }) => [provider, cap]))
  const names = new Set([...deps.providers.keys(), ...known.map(({ name }) => name)])
  return Object.fromEntries(
    [...names].toSorted().map((name) => {
      const { name: _, ...figures } = known.find((one) => one.name === name) ?? { name, ...still }
      return [name, { cap: caps.get(name) ?? null, ...figures }]
    }),
  )
}

/** Not known while the blob store doesn't answer; all else still is. */
async function readDeadMan(deps: Pick<Deps, 'instants' | 'now' | 'log'>): Promise<Standing['dead_man']> {
  const names = ['worker', 'checker', 'recover', 'tick'] as const
  const [worker, checker, recover, tick] = await Promise.all(
    names.map((name) =>
      deps.instants.last(name).catch((error) => {
        deps.log.warn({ err: error, name }, 'it is not known when it last ran')
        return undefined
      }),
    ),
  )
  const iso = (at: Date | undefined) => at?.toISOString() ?? null
  const newest = Math.max(...[worker, checker, recover, tick].map((at) => at?.getTime() ?? Number.NEGATIVE_INFINITY))
  const silent_seconds = Number.isFinite(newest) ? Math.round((clockOf(deps).getTime() - newest) / 1000) : null
  return { worker: iso(worker), checker: iso(checker), recover: iso(recover), tick: iso(tick), silent_seconds }
}
