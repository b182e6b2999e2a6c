// Sends as one statement what several requests of one process want of the database at the same moment: a call that comes while others of its
// kind are under way shares the next statement with those that come too. A lone request waits for nobody, and a function that handles one at a
// time gains nothing. Files of db/statements/ whose statement takes many rows make it with batched().
import { endsWithin } from '../../core/deadline.ts'
import type { Db, Timed } from '../statements/sql.ts'
import { DatabaseError } from './errors.ts'

interface Row {
  id: string
}

export type Statement<In, Out, Own = Timed> = (db: Db, rows: readonly In[], timed?: Own) => Promise<Out[]>

/** One caller's share. */
interface Part<In, Out, Own> {
  row: In
  timed: Own | undefined
  done: PromiseWithResolvers<Out[]>
}

interface Queue<In, Out, Own> {
  send(rows: readonly In[], timed?: Own): Promise<Out[]>
  waiting: Part<In, Out, Own>[]
  isBusy: boolean
}

/** Whatever takes longer waits for a lock, and no longer holds up what comes after it. */
const usualMs = 250
const mostRows = 200

/**
 * The statement, shared by calls that tell one row each. It must take many rows, of different tasks, and name the task in each row of its
 * answer. Whatever else it is told comes from the process's settings, and is the same for all calls. A call that brings a clock of its own
 * shares with nobody.
 */
export function batched<In extends Row, Out extends Row, Own extends Timed = Timed>(
  send: Statement<In, Out, Own>,
): Statement<In, Out, Own> {
  const queues = new WeakMap<Db, Map<unknown, Queue<In, Out, Own>>>()
  const queueOf = (db: Db, by: unknown): Queue<In, Out, Own> => {
    const own = queues.get(db) ?? new Map<unknown, Queue<In, Out, Own>>()
    const queue = own.get(by) ?? { send: (rows, timed) => send(db, rows, timed), waiting: [], isBusy: false }
    queues.set(db, own.set(by, queue))
    return queue
  }
  return (db, rows, timed) => {
    const [row, ...others] = rows
    if (!row || others.length > 0 || timed?.now) return send(db, rows, timed)
    // The history says of all that a statement moves that the same one caused it, and a webhook is noted with its own.
    const queue = queueOf(db, `${timed?.by} ${timed?.webhookOf}`)
    const done = Promise.withResolvers<Out[]>()
    queue.waiting.push({ row, timed, done })
    if (!queue.isBusy) void drain(queue)
    return done.promise
  }
}

async function drain<In extends Row, Out extends Row, Own extends Timed>(queue: Queue<In, Out, Own>): Promise<void> {
  queue.isBusy = true
  while (queue.waiting.length > 0) await endsWithin(usualMs, sendTogether(queue, take(queue)))
  queue.isBusy = false
}

/** Ids come as people write them, and go as Postgres does. */
const keyOf = ({ id }: Row): string => id.toLowerCase()

/** In the order of their coming; of two that speak of one task, the second waits for another statement. */
function take<In extends Row, Out, Own>(queue: Queue<In, Out, Own>): Part<In, Out, Own>[] {
  const taken = new Map<string, Part<In, Out, Own>>()
  const left: Part<In, Out, Own>[] = []
  for (const part of queue.waiting) {
    const key = keyOf(part.row)
    if (taken.has(key) || taken.size === mostRows) left.push(part)
    else taken.set(key, part)
  }
  queue.waiting = left
  return [...taken.values()]
}

/** Never rejects: each caller is told. What Postgres undid because of one row is sent again, each caller's by itself. */
async function sendTogether<In extends Row, Out extends Row, Own extends Timed>(
  queue: Queue<In, Out, Own>,
  parts: readonly Part<In, Out, Own>[],
): Promise<void> {
  try {
    const rows = parts.map(({ row }) => row)
    const byTask = Map.groupBy(await queue.send(rows, circumstancesOf(parts)), keyOf)
    for (const { row, done } of parts) done.resolve(byTask.get(keyOf(row)) ?? [])
  } catch (error) {
    const wasUndone = error instanceof DatabaseError && !error.isConnectionLost
    if (parts.length > 1 && wasUndone) await Promise.all(parts.map((part) => sendTogether(queue, [part])))
    else for (const { done } of parts) done.reject(error)
  }
}

/** The first one's, but for who hears of a move: whoever told of its task. */
function circumstancesOf<In extends Row, Out, Own extends Timed>(
  parts: readonly Part<In, Out, Own>[],
): Own | undefined {
  const own = parts[0]?.timed
  if (!own || parts.length === 1) return own
  const callers = new Map(parts.map(({ row, timed }) => [keyOf(row), timed]))
  const onMoved: Timed['onMoved'] = (moves) => {
    for (const move of moves) callers.get(move.task)?.onMoved?.([move])
  }
  return { ...own, onMoved }
}
