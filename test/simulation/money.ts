// The ledger against the providers' till: whatever was created is booked as paid, once; and no day's ceiling was passed by what was asked for.
import type { Task } from '../../core/task.ts'
import { faultsOfBooks } from '../setup/books.ts'
import { attemptOf, type Paid } from './providers.ts'
import { microsOfRun } from './recipes.ts'
import type { World } from './world.ts'

interface Entry {
  task_id: string
  day: string
  kind: string
  step: number
  attempt: number
  claim_token: string
  prediction_id: string | null
  settled_micros: number
}

export async function faultsOfMoney(world: World, tasks: readonly Task[], till: readonly Paid[]): Promise<string[]> {
  const { pool } = world
  const entries = (await pool.query<Entry>('select * from ledger order by task_id, id')).rows
  const recipes = new Map(tasks.map(({ id, recipe }) => [id, recipe]))
  return [
    ...(await faultsOfBooks((text) => pool.query(text))).map((fault) => `books: ${fault}`),
    ...till.flatMap((prediction) => bookedOnce(world, prediction, entries)),
    ...notInTill(entries, till),
    ...entries.flatMap((entry) => wrongAmount(entry, till, recipes.get(entry.task_id))),
    ...tasks.flatMap((task) => notAsMeasured(task, entries, till)),
    ...entries.flatMap((entry) => wrongBill(entry, entries, till)),
    ...(await beyondBudget(world, entries)),
  ]
}

const isPaid = ({ kind }: Entry) => kind === 'settled' || kind === 'double'

function bookedOnce({ witness, providers, erased }: World, prediction: Paid, entries: readonly Entry[]): string[] {
  const own = entries.filter((entry) => isPaid(entry) && entry.prediction_id === prediction.id)
  if (own.length === 1) return []
  if (own.length > 1) return [`ledger: prediction ${prediction.id} is booked ${own.length} times`]
  const attempt = attemptOf(witness.attempts, prediction)
  // What turns up when its task is gone is known to nobody.
  if (erased.has(attempt?.task ?? '')) return []
  // What nobody ever found was booked with its attempt; of a twin that nobody found, nothing can be known.
  const wasPaidAhead = entries.some(
    ({ kind, task_id, step, attempt: number, prediction_id }) =>
      kind === 'settled' &&
      prediction_id === null &&
      task_id === attempt?.task &&
      step === attempt.step &&
      number === attempt.attempt,
  )
  const isTwin = [...providers.doubles].flat().includes(prediction.id)
  return wasPaidAhead || isTwin ? [] : [`ledger: prediction ${prediction.id} was created, and is not booked`]
}

function notInTill(entries: readonly Entry[], till: readonly Paid[]): string[] {
  const known = new Set(till.map(({ id }) => id))
  return entries
    .filter((entry) => isPaid(entry) && entry.prediction_id !== null && !known.has(entry.prediction_id))
    .map(({ prediction_id }) => `ledger: prediction ${prediction_id} is booked, and was never created`)
}

/** What steps are expected to cost, of recipes of which that is known. */
const prices: Readonly<Record<string, readonly number[]>> = {
  ...{ memes: [3_000], unmarked: [3_000] },
  ...{ clip: [67_000, 120_000], avatar: [6_000_000, 2_000_000] },
}

function wrongAmount(entry: Entry, till: readonly Paid[], recipe = ''): string[] {
  const known = prices[recipe]
  if (!known || !isPaid(entry) || known.includes(entry.settled_micros)) return []
  const made = till.find(({ id }) => id === entry.prediction_id)
  if (recipe === 'unmarked' && entry.settled_micros === measured(made)) return []
  return [`ledger: ${entry.kind} of ${entry.task_id} is ${entry.settled_micros}`]
}

const measured = (made: Paid | undefined): number | undefined =>
  made?.seconds == null ? undefined : microsOfRun(made.seconds)

/** What was left while it ran costs as long as it did, once its provider has said that it is over. */
function notAsMeasured({ id, recipe, strays }: Task, entries: readonly Entry[], till: readonly Paid[]): string[] {
  if (recipe !== 'unmarked') return []
  return strays.flatMap(({ prediction_id, over, given_up, misses }) => {
    const own = entries.filter((entry) => entry.prediction_id === prediction_id && entry.kind !== 'double')
    const cost = measured(till.find((made) => made.id === prediction_id))
    const isTold = over && !given_up && !misses && own.some(({ kind }) => kind === 'settled')
    const booked = own.reduce((sum, { settled_micros }) => sum + settled_micros, 0)
    if (!isTold || cost === undefined || booked === cost) return []
    return [`ledger: ${prediction_id} of ${id} was measured as ${cost}, and is booked as ${booked}`]
  })
}

/** The simulated fal charges what our recipes expect, and nothing for what failed by itself. */
function wrongBill(entry: Entry, entries: readonly Entry[], till: readonly Paid[]): string[] {
  if (entry.kind !== 'adjusted') return []
  const own = entries.filter(({ claim_token, kind }) => claim_token === entry.claim_token && kind !== 'double')
  const charged = own.reduce((sum, { settled_micros }) => sum + settled_micros, 0)
  const { provider, status: ended } = till.find(({ id }) => id === entry.prediction_id) ?? {}
  if (provider === 'replicate') return []
  const isRight = ended === 'succeeded' ? entry.settled_micros === 0 : ended !== 'failed' || charged === 0
  return isRight ? [] : [`ledger: ${entry.prediction_id} ${ended}, and is booked as ${charged} after its bill`]
}

/** Doubles and what was dearer than reserved are facts; all else was asked for. */
async function beyondBudget({ pool, weather }: World, entries: readonly Entry[]): Promise<string[]> {
  const { budget } = weather
  if (!budget) return []
  const { rows } = await pool.query<{ scope: string; day: string; spent_micros: number }>('select * from spending')
  return rows.flatMap(({ scope, day, spent_micros }) => {
    const ceiling =
      scope === 'all' ? budget.all : scope.startsWith('user:') && scope !== 'user:erased' ? budget.user : undefined
    const doubles = entries.filter((entry) => entry.kind === 'double' && entry.day === day)
    const facts = doubles.reduce((sum, { settled_micros }) => sum + settled_micros, 0)
    if (ceiling === undefined || spent_micros <= ceiling + facts) return []
    return [`ceiling: ${scope} has ${spent_micros} of ${ceiling} on ${day}`]
  })
}
