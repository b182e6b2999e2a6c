// Sees each statement at the moment that it takes effect, and what must hold there and then: a result is stored before its step
// is shown, nothing begins beside a pause, beyond a cap, a quota or a lock, and attempts are counted as they happen.
import type { Pool } from 'pg'
import { attemptSeed } from '../../core/recipe.ts'
import { resultKey } from '../../core/task.ts'
import type { DatabaseError } from '../../db/driver/errors.ts'
import { faultsOfKept } from '../setup/books.ts'
import type { Blobs } from './blobs.ts'
import type { Row, StatementWitness } from './database.ts'
import type { Scheduler } from './scheduler.ts'
import { databaseNow, type Trouble } from './trouble.ts'
import type { Weather } from './weather.ts'

/** One attempt, by what marks its request. */
export interface Attempt {
  task: string
  step: number
  attempt: number
}

/** One that was answered may reach the row after another answer, which came later and was told first. */
export interface Missing {
  answered: number
  told: number
}

export interface Witness extends StatementWitness {
  /** By claim token, and by the seed that follows from it. */
  attempts: Map<string, Attempt>
  /** Attempts begun and not given back, by task and step. */
  spent: Map<string, number>
  /** 404s of a prediction since the row was last told anything else of it. */
  missing: Map<string, Missing>
  broken: string[]
}

/** Refusals that statements count on. */
const wanted = new Set(['tasks_lock', 'tasks_slot', 'daily_starts_within_quota', 'spending_within_ceiling'])

interface Seen {
  pool: Pool
  scheduler: Scheduler
  blobs: Blobs
  weather: Weather
  trouble: Trouble
}

export function openWitness({ pool, scheduler, blobs, weather, trouble }: Seen): Witness {
  const attempts: Witness['attempts'] = new Map()
  const spent: Witness['spent'] = new Map()
  const missing: Witness['missing'] = new Map()
  const count = countingMisses()
  const broken: string[] = []
  const pauses = new Map<string, Date>()
  const ask = async (question: string) => (await pool.query<Row>(question)).rows

  const begin = (row: Row) => {
    const { id, current_step, attempt, claim_token, provider } = row
    // A claim or click whose answer was lost is found by its name, or sent again: the attempt is the same.
    if (attempts.has(String(claim_token))) return
    const begun: Attempt = { task: String(id), step: Number(current_step), attempt: Number(attempt) }
    // A claim whose answer was lost, and that is found by its name.
    if (attempts.has(String(claim_token))) return
    attempts.set(String(claim_token), begun)
    attempts.set(String(attemptSeed(String(claim_token))), begun)
    add(spent, `${id} ${current_step}`, 1)
    const paused = pauses.get(String(provider))
    if (paused && paused.getTime() > databaseNow(scheduler, trouble)) {
      broken.push(`pause: an attempt of ${id} begins though ${provider} asked to wait until ${paused.toISOString()}`)
    }
  }
  const learn = (row: Row, told: Row) => {
    const { id, did } = row
    if (did === 'throttled' || did === 'unsent') add(spent, `${id} ${told['step']}`, -1)
    count(missing, String(told['prediction_id']), did)
    if (did !== 'stored') return
    const files = (told['files'] as unknown[]).keys()
    for (const index of files) {
      const key = resultKey(String(id), Number(told['step']), String(told['prediction_id']), index)
      if (!blobs.has(`files/${key}/0`)) broken.push(`result before status: ${key} is shown and not stored`)
    }
  }

  return {
    attempts,
    spent,
    missing,
    broken,
    refused: (_statement, { code, constraint, message }: DatabaseError) => {
      if (code.startsWith('23') && !wanted.has(constraint ?? '')) broken.push(`the table refuses a row: ${message}`)
    },
    async took(statement, parameters, rows) {
      const begun = rows.filter(isBegun)
      for (const row of begun) begin(row)
      for (const row of rows.filter(({ moved }) => moved === true && isRedo.test(statement))) {
        if (Number(row['attempt']) < weather.mostAttempts) continue
        broken.push(`attempts: step ${row['current_step']} of ${row['id']} is redone after ${row['attempt']} attempts`)
      }
      const told = toldOf(parameters)
      for (const row of rows) if ('did' in row) learn(row, told.find(({ id }) => id === row['id']) ?? {})
      if (told.some(({ kind }) => kind === 'throttled')) {
        for (const row of await ask('select name, paused_until from providers')) {
          pauses.set(String(row['name']), row['paused_until'] as Date)
        }
      }
      if (rows.length > 0 && statement.includes('insert into spending')) {
        for (const { fault } of await ask(faultsOfKept)) broken.push(`kept: ${fault}`)
      }
      if (begun.length > 0 && trouble.mostBackMs === 0)
        broken.push(...(await beyondCaps(ask, weather, scheduler.now())))
      if (takesLock.test(statement)) broken.push(...(await rivals(ask)))
      if (weather.quota && statement.includes('insert into daily_starts'))
        broken.push(...(await beyondQuota(ask, weather.quota)))
    },
  }
}

/** Only a 404 that follows a 404 counts: any other answer that reached the row begins anew. A check that was not made is none. */
function countingMisses() {
  const succeeded = new Set<string>()
  return (missing: Witness['missing'], prediction: string, did: unknown): void => {
    if (did === 'succeeded') succeeded.add(prediction)
    const misses = missing.get(prediction)
    if (misses && did === 'missing') misses.told += 1
    const isAnswer = did === 'answered' || did === 'succeeded' || (did === 'postponed' && succeeded.has(prediction))
    if (misses && isAnswer) Object.assign(misses, { answered: Math.max(0, misses.answered - misses.told), told: 0 })
  }
}

const isRedo = /next_step = greatest\(mine\.current_step, 1\)/

const add = (counts: Map<string, number>, key: string, by: number) => counts.set(key, (counts.get(key) ?? 0) + by)

/** A claim's row, or that of a click that began the next step itself. */
const isBegun = ({ work, moved, status, phase }: Row) =>
  work === 'submit' || (moved === true && status === 'processing' && phase === 'submitting')

/** The batch that a `record…` statement was told. */
function toldOf(parameters: readonly unknown[]): Row[] {
  const batch = parameters.find((value) => typeof value === 'string' && value.startsWith('[{"id":'))
  return batch === undefined ? [] : (JSON.parse(String(batch)) as Row[])
}

type Ask = (question: string) => Promise<Row[]>

/** A task that is canceled leaves its slot to another at once; an attempt whose create's fate is unknown does so then, and may be found later. */
const slotMs = 4 * 60_000

/** Whether an attempt that is counted has a slot is its claim's own word. By a clock that was set back, nobody can say how old one is. */
async function beyondCaps(ask: Ask, { caps }: Weather, now: Date): Promise<string[]> {
  if (Object.keys(caps).length === 0) return []
  const left = new Date(now.getTime() - slotMs).toISOString()
  const rows =
    await ask(`select provider, count(*)::int as n from tasks where phase in ('submitting', 'unconfirmed', 'running')
    and (slot is not null or status = 'processing' and submitted_at > '${left}') group by provider`)
  return rows
    .filter(({ provider, n }) => Number(n) > (caps[provider as keyof typeof caps] ?? Number.POSITIVE_INFINITY))
    .map(({ provider, n }) => `cap: ${n} predictions are in flight at ${provider}`)
}

/** The only statements that make a task unfinished: asked of them alone, the question costs next to nothing. */
const takesLock = /insert into tasks |in \('waiting_continue', 'failed'\)/

async function rivals(ask: Ask): Promise<string[]> {
  const rows = await ask(`select user_id from tasks where recipe = 'memes'
    and status in ('pending', 'processing', 'waiting_continue') group by user_id having count(*) > 1`)
  return rows.map(({ user_id }) => `one at a time: ${user_id} has two unfinished memes tasks`)
}

async function beyondQuota(ask: Ask, quota: number): Promise<string[]> {
  const rows = await ask(`select user_id, count(*)::int as n from tasks join task_events e on e.task_id = tasks.id
    where e.move in ('started', 'redone') group by user_id, (e.at at time zone 'UTC')::date having count(*) > ${quota}`)
  return rows.map(({ user_id, n }) => `quota: ${user_id} has started and redone ${n} tasks in a day, ${quota} allowed`)
}
