// `npm run tasks -- deliveries`: what was told, what still is to be, and what never could be; and one event once more. cli/tasks.ts calls it.
import { listDeliveries, type OutboxRow, repeatDelivery } from '../db/statements/deliveries.ts'
import { deliver } from '../engine/deliver.ts'
import { raiseAnyway } from '../engine/journal.ts'
import type { Of } from './arguments.ts'
import { withDatabase, withDeployment } from './open.ts'
import { distance, instant, table } from './words.ts'

type Deliveries = Of<'deliveries'>

export async function deliveries(command: Deliveries): Promise<string> {
  return command.repeat === undefined ? list(command) : repeat(command, command.repeat)
}

async function list({ isJson, limit, open }: Deliveries): Promise<string> {
  return withDatabase(async ({ db }) => {
    const rows = await listDeliveries(db, { limit, open })
    if (isJson) return JSON.stringify({ deliveries: rows }, null, 2)
    if (rows.length === 0) return open ? 'Everything is told.' : 'Nothing was told lately.'
    return tableOf(rows)
  })
}

/** At once, by this process; where it can't be delivered now, passes go on trying. */
async function repeat({ isJson }: Deliveries, id: string): Promise<string> {
  return withDeployment(async ({ deps }) => {
    await raiseAnyway(deps)
    const found = await repeatDelivery(deps.db, { id })
    if (!found) throw new Error(`There is no event ${id}: it was told long ago, or its task is deleted.`)
    await deliver(deps, { taskIds: [found.task_id] })
    const [row = found] = await listDeliveries(deps.db, { limit: 1, id })
    return isJson ? JSON.stringify({ deliveries: [row] }, null, 2) : tableOf([row])
  })
}

function tableOf(rows: readonly OutboxRow[]): string {
  const now = new Date()
  return table(
    ['event', 'what', 'task', 'to', 'when (UTC)', 'tries', 'state', 'last error'],
    rows.map((row) => [
      ...[
        row.id,
        row.type,
        row.task_id,
        row.channel === 'webhook' ? row.receiver : row.channel,
        instant(row.at),
        row.tries,
      ],
      ...[stateOf(row, now), row.last_error],
    ]),
  )
}

function stateOf({ due_at, delivered_at, given_up_at }: OutboxRow, now: Date): string {
  if (delivered_at) return `delivered ${distance(delivered_at, now)}`
  if (given_up_at) return `given up ${distance(given_up_at, now)}`
  return due_at && due_at > now ? `tried again ${distance(due_at, now)}` : 'due'
}
