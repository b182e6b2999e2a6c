// The app that is told: a receiver of webhooks which takes messages and answers wrongly, or not at all. At each claim, each arrival, and at the
// end, what must hold of telling: nothing is told that didn't happen, everything that did is told, each task's in the order in which it happened.
import type { Pool } from 'pg'
import type { HttpRequest, HttpResponse } from '../../providers/connection.ts'
import type { Row } from './database.ts'
import type { Scheduler } from './scheduler.ts'
import type { Weather } from './weather.ts'

/** What a message says of its move. */
interface Message {
  id: string
  type: string
  at: string
  task: { task_id: string; status: string }
}

/** The same as its claim answers it. */
interface Claimed {
  event: string
  type: string
  at: Date
  task: { id: string; status: string }
}

export interface Receiver {
  take(request: HttpRequest): Promise<HttpResponse>
  /** Hears of each statement that took effect: what is claimed has happened, and what is given up may stay untold. */
  took(statement: string, rows: readonly Row[]): Promise<void>
  /** When the faults have stopped and all has settled. */
  faults(): Promise<string[]>
}

interface Opened {
  pool: Pool
  scheduler: Scheduler
  weather: Weather
  broken: string[]
}

/** Telling ends after three days, by the database's clock. */
const giveUpMs = 3 * 24 * 3_600_000
const moods = { well: 12, 500: 2, 429: 1, '502 though taken': 2 }
/** Of one that is down for most of the time: what a task tells then waits in a row. */
const downMoods = { well: 2, 500: 12, 429: 1, '502 though taken': 1 }

export function openReceiver({ pool, scheduler, weather, broken }: Opened): Receiver {
  const bodies = new Map<string, string>()
  /** The first arrival of each event, by its task. */
  const heard = new Map<string, Message[]>()
  /** What may arrive: each event as its claim has it. */
  const claimed = new Map<string, string>()
  const givenUp = new Set<string>()
  /** Tasks whose messages it has put off when the faults had stopped. */
  const putOff = new Set<string>()

  /** One that was down puts off a message of each task, so that the task has more to tell by the time that it is taken. */
  const putsOff = ({ task_id }: Message['task']) => {
    if (scheduler.faults || !weather.isReceiverDown || putOff.has(task_id)) return false
    putOff.add(task_id)
    return true
  }

  /** While its row is in the outbox its move is in the history. By the time that it arrives, an erasure may have taken both. */
  const claim = async ({ event, type, at, task }: Claimed) => {
    if (claimed.has(event)) return
    const message: Message = { id: event, type, at: at.toISOString(), task: { task_id: task.id, status: task.status } }
    claimed.set(event, wordsOf(message))
    if (!(await happened(pool, message))) broken.push(`told: ${type} of ${task.id}, and no such move was made`)
  }

  const arrive = (raw: string) => {
    const message = JSON.parse(raw) as Message
    const known = bodies.get(message.id)
    if (known !== undefined && known !== raw) broken.push(`told: ${message.id} says another thing when it is repeated`)
    if (known !== undefined) return
    bodies.set(message.id, raw)
    const own = heard.get(message.task.task_id) ?? []
    heard.set(message.task.task_id, [...own, message])
    if (claimed.get(message.id) !== wordsOf(message)) {
      broken.push(`told: ${message.type} of ${message.task.task_id}, and no such event was claimed`)
    }
  }

  return {
    take: async ({ body }) => {
      const mood = scheduler.faults
        ? scheduler.random.weighted<string>(weather.isReceiverDown ? downMoods : moods)
        : 'well'
      if (mood !== 'well') scheduler.note(`the receiver's answer: ${mood}`)
      if (putsOff((body as Message).task)) return { status: 429, headers: { 'retry-after': '3600' }, body: undefined }
      if (mood === 'well' || mood === '502 though taken') arrive(JSON.stringify(body))
      if (mood === 'well') return { status: 204, headers: {}, body: undefined }
      if (mood === '429')
        return { status: 429, headers: { 'retry-after': String(scheduler.random.between(1, 900)) }, body: undefined }
      return { status: Number.parseInt(mood, 10), headers: {}, body: undefined }
    },
    took: async (statement, rows) => {
      if (!statement.includes('update outbox')) return
      for (const row of rows) if ('event' in row) await claim(row as unknown as Claimed)
      const ids = rows.filter(({ did }) => did === 'given_up').map(({ id }) => String(id))
      if (ids.length === 0) return
      const { rows: over } = await pool.query<{ key: string; age: number; tries: number }>(
        `select task_id || ' ' || type || ' ' || at as key, extract(epoch from given_up_at - at) * 1000 as age, tries
         from outbox where id = any($1::uuid[])`,
        [ids],
      )
      for (const { key, age, tries } of over) {
        givenUp.add(key)
        if (Number(age) < giveUpMs - 40_000_000 || tries === 0) broken.push(`told: ${key} was given up after ${age} ms`)
      }
    },
    faults: async () => (weather.isTold ? untold(pool, heard, givenUp) : []),
  }
}

const wordsOf = ({ type, at, task }: Message) => `${type} ${at} ${task.task_id} ${task.status}`

/** A move into this state, at this instant; of a gate that closes, that it stands. */
async function happened(pool: Pool, { type, at, task }: Message): Promise<boolean> {
  if (!(type in stateOf)) return true
  const { rowCount } = await pool.query(
    `select from task_events where task_id = $1 and date_trunc('milliseconds', at) = $2 and split_part(became, '/', 1) = $3
      and split_part(coalesce(was, ''), '/', 1) <> $3`,
    [task.task_id, at, stateOf[type]],
  )
  return (rowCount ?? 0) > 0 && task.status === stateOf[type]
}

const stateOf: Record<string, string> = {
  'task.waiting': 'waiting_continue',
  'task.completed': 'completed',
  'task.failed': 'failed',
  'task.canceled': 'canceled',
}

/** Each task's moves, in their order, against what was heard first of each. */
async function untold(pool: Pool, heard: Map<string, Message[]>, givenUp: Set<string>): Promise<string[]> {
  const { rows } = await pool.query<{ task_id: string; types: string[]; keys: string[] }>(
    `with moves as (select task_id, id, at, 'task.' || case split_part(became, '/', 1) when 'waiting_continue' then 'waiting'
        else split_part(became, '/', 1) end as type
      from task_events where split_part(became, '/', 1) in ('waiting_continue', 'completed', 'failed', 'canceled')
        and split_part(coalesce(was, ''), '/', 1) <> split_part(became, '/', 1))
    select task_id, array_agg(type || ' ' || iso(at) order by id) as types, array_agg(task_id || ' ' || type || ' ' || at order by id) as keys
    from moves group by task_id`,
  )
  return rows.flatMap(({ task_id, types, keys }) => {
    const told = (heard.get(task_id) ?? []).filter(({ type }) => type in stateOf).map(({ type, at }) => `${type} ${at}`)
    const due = types.filter((_type, index) => !givenUp.has(keys[index] ?? ''))
    // What was given up may have been taken all the same: an answer that was lost says nothing of it.
    const isAllTold = isWithin(due, told) && isWithin(told, types)
    return isAllTold ? [] : [`told: ${task_id} moved ${types.join(', ')}; heard ${told.join(', ') || 'nothing'}`]
  })
}

/** Whether the first list is what is left of the other, in its order. */
function isWithin(some: readonly string[], all: readonly string[]): boolean {
  let next = 0
  for (const one of all) if (one === some[next]) next += 1
  return next === some.length
}
