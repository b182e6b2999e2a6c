// How things stand, in one object: the details of GET /api/health, and `npm run tasks -- stats`. One statement; the instants of pings
// come from the blob store.
import { endsWithin } from '../core/deadline.ts'
import type { Health } from '../core/operator-answers.ts'
import { type Status, statuses } from '../core/task.ts'
import { type Figures, readFigures } from '../db/statements/overview.ts'
import { StoreRefusal } from '../storage/store.ts'
import { capsOf } from './claim.ts'
import { clockOf, type Deps } from './deps.ts'
import { readMemory, readMemoryLimits } from './journal.ts'

type ByStatus = Record<Status, number>
type DeadMan = Health['dead_man']

export async function readHealth(
  deps: Pick<Deps, 'db' | 'config' | 'providers' | 'instants' | 'now' | 'log' | 'wait'>,
): Promise<Health> {
  const [figures, notes] = await Promise.all([
    readFigures(deps.db, { caps: capsOf(deps.config), now: deps.now?.() }),
    readNotes(deps),
  ])
  return healthOf(deps, figures, notes)
}

function healthOf(
  deps: Pick<Deps, 'config' | 'providers'>,
  figures: Figures,
  notes: Pick<Health, 'store' | 'dead_man'>,
): Health {
  const { counts, locks_held, oldest_due_age_seconds, last_problem } = figures
  const recipes: Health['recipes'] = {}
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
    spending: figures.stopped ? 'stopped' : 'allowed',
    money: moneyOf(deps, figures),
    memory: { ...readMemory(), ...readMemoryLimits() },
    last_problem,
    outbox: figures.outbox,
    ...notes,
  }
}

function moneyOf({ config }: Pick<Deps, 'config'>, { spent_micros }: Figures): Health['money'] {
  const { BUDGET_PER_DAY: limit_micros } = config
  return {
    spent_micros,
    limit_micros,
    left_micros: limit_micros === null ? null : Math.max(0, limit_micros - spent_micros),
  }
}

const noTasks = () => Object.fromEntries(statuses.map((status) => [status, 0])) as ByStatus

const unheard = { accepted_at: null, refused: 0, refused_at: null, last_reason: null }
const still = { in_flight: 0, paused_until: null, paused_for: null, webhooks: unheard, silent: null }

/** Every provider that is configured here, has something in flight, is paused, or has sent webhooks. */
function providersOf(deps: Pick<Deps, 'config' | 'providers'>, { providers: known }: Figures): Health['providers'] {
  const caps = new Map(capsOf(deps.config).map(({ provider, cap }) => [provider, cap]))
  const names = new Set([...deps.providers.keys(), ...known.map(({ name }) => name)])
  return Object.fromEntries(
    [...names].toSorted().map((name) => {
      const { name: _, ...own } = known.find((one) => one.name === name) ?? { name, ...still }
      return [name, { ...own, cap: caps.get(name) ?? null }]
    }),
  )
}

/** Health is asked by monitors that give up soon. */
const storeMs = 4_000

/** What the blob store tells is not known while it doesn't answer; all else still is. */
async function readNotes(
  deps: Pick<Deps, 'instants' | 'now' | 'log' | 'wait'>,
): Promise<Pick<Health, 'store' | 'dead_man'>> {
  const names = ['worker', 'checker', 'recover', 'tick'] as const
  let store: Health['store'] = 'silent'
  let instants: (Date | undefined)[] = []
  const reading = Promise.all(names.map((name) => deps.instants.last(name)))
  try {
    if (await endsWithin(storeMs, reading, deps.wait)) {
      instants = await reading
      store = 'ok'
    }
  } catch (error) {
    if (error instanceof StoreRefusal) store = 'refused'
    deps.log.warn({ err: error }, 'it is not known when pings last came')
  }
  return { store, dead_man: deadManOf(deps, instants) }
}

function deadManOf(deps: Pick<Deps, 'now'>, instants: readonly (Date | undefined)[]): DeadMan {
  const [worker, checker, recover, tick] = instants
  const iso = (at: Date | undefined) => at?.toISOString() ?? null
  const newest = Math.max(...[worker, checker, recover, tick].map((at) => at?.getTime() ?? Number.NEGATIVE_INFINITY))
  const silent_seconds = Number.isFinite(newest) ? Math.round((clockOf(deps).getTime() - newest) / 1000) : null
  return { worker: iso(worker), checker: iso(checker), recover: iso(recover), tick: iso(tick), silent_seconds }
}
