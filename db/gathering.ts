// What several requests of one process want of the database at the same moment, sent as one statement: what comes while another of its
// kind is under way shares the next. A lone request waits for nobody, and a function that handles one at a time notices nothing.
import { DatabaseError } from './errors.ts'
import type { Db, Timed } from './sql.ts'

interface Row {
  id: string
}

/** One caller's share. */
interface Part<In, Out> {
  rows: readonly In[]
  timed: Timed | undefined
  done: PromiseWithResolvers<Out[]>
}

interface Queue<In, Out> {
  waiting: Part<In, Out>[]
  underWay: number
}

type Statement<In, Out> = (db: Db, rows: readonly In[], timed?: Timed) => Promise<Out[]>

/** So that one batch that waits for a lock doesn't hold up all that come after it. */
const mostUnderWay = 2
const mostRows = 200

/**
 * The statement, shared. It must take many rows, at most one of a task, and say of each row that it answers with which task it speaks of.
 * What is told a clock of its own is sent by itself.
 */
export function gathered<In extends Row, Out extends Row>(send: Statement<In, Out>): Statement<In, Out> {
  const queues = new WeakMap<Db, Map<unknown, Queue<In, Out>>>()
  const queueOf = (db: Db, by: unknown): Queue<In, Out> => {
    const own = queues.get(db) ?? new Map<unknown, Queue<In, Out>>()
    const queue = own.get(by) ?? { waiting: [], underWay: 0 }
    queues.set(db, own.set(by, queue))
    return queue
  }
  return (db, rows, timed) => {
    if (timed?.now || rows.length !== 1) return send(db, rows, timed)
    // The history says of a statement's moves who caused them, all alike.
    const queue = queueOf(db, timed?.by)
    const done = Promise.withResolvers<Out[]>()
    queue.waiting.push({ rows, timed, done })
    if (queue.underWay < mostUnderWay) void drain(queue, (shared, circumstances) => send(db, shared, circumstances))
    return done.promise
  }
}

type Send<In, Out> = (rows: readonly In[], timed?: Timed) => Promise<Out[]>

async function drain<In extends Row, Out extends Row>(queue: Queue<In, Out>, send: Send<In, Out>): Promise<void> {
  queue.underWay += 1
  while (queue.waiting.length > 0) await sendTogether(take(queue), send)
  queue.underWay -= 1
}

/** In the order of their coming; of two that speak of one task, the second waits for the next statement. */
function take<In extends Row, Out>(queue: Queue<In, Out>): Part<In, Out>[] {
  const tasks = new Set<string>()
  const taken = queue.waiting.filter(({ rows: [row] }) => {
    if (!row || tasks.has(row.id) || tasks.size === mostRows) return false
    return tasks.add(row.id)
  })
  queue.waiting = queue.waiting.filter((part) => !taken.includes(part))
  return taken
}

/** Never rejects: each caller is told. What Postgres undid because of one row is sent again, each caller's by itself. */
async function sendTogether<In extends Row, Out extends Row>(
  parts: readonly Part<In, Out>[],
  send: Send<In, Out>,
): Promise<void> {
  try {
    const answers = await send(
      parts.flatMap(({ rows }) => rows),
      circumstancesOf(parts),
    )
    const byTask = Map.groupBy(answers, ({ id }) => id)
    for (const { rows, done } of parts) done.resolve(rows.flatMap(({ id }) => byTask.get(id) ?? []))
  } catch (error) {
    const wasUndone = error instanceof DatabaseError && !error.isConnectionLost
    if (parts.length > 1 && wasUndone) await Promise.all(parts.map((part) => sendTogether([part], send)))
    else for (const { done } of parts) done.reject(error)
  }
}

/** The same for all, but for who hears of a move: whoever told of its task. */
function circumstancesOf<In extends Row, Out>([first, ...others]: readonly Part<In, Out>[]): Timed | undefined {
  if (!first?.timed || others.length === 0) return first?.timed
  const hearers = new Map([first, ...others].flatMap(({ rows, timed }) => rows.map(({ id }) => [id, timed] as const)))
  const onMoved: Timed['onMoved'] = (moves) => {
    for (const move of moves) hearers.get(move.task)?.onMoved?.([move])
  }
  return { ...first.timed, onMoved }
}
