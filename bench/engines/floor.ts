// The floor: the least that anybody could do with the same durability. An intent is committed before each POST, the prediction's id
// after it, a result's status after its file. What comes while a statement is under way goes into the next one. Nothing else is
// done: no retries, no history, no users.
import { randomUUID } from 'node:crypto'
import { type Ended, keep, openPool, serve, steps, submit, type View } from './doors.ts'

const pool = openPool()
await pool.query(`create table tasks (
  id uuid primary key, status text not null, current_step integer not null, prediction_id text, result text)`)

/** Gathers what comes while one statement is under way into the next. */
function batched<Item, Row = unknown>(text: string): (item: Item) => Promise<Row | undefined> {
  let waiting: { item: Item; done: PromiseWithResolvers<Row | undefined> }[] = []
  let isUnderWay = false
  const flush = async () => {
    isUnderWay = true
    while (waiting.length > 0) {
      const taken = waiting
      waiting = []
      try {
        const items = taken.map(({ item }, n) => ({ ...item, n }))
        const { rows } = await pool.query<Row & { n: number }>(text, [JSON.stringify(items)])
        const byNumber = new Map(rows.map((row) => [row.n, row]))
        for (const [n, { done }] of taken.entries()) done.resolve(byNumber.get(n))
      } catch (error) {
        for (const { done } of taken) done.reject(error)
      }
    }
    isUnderWay = false
  }
  return (item) => {
    const done = Promise.withResolvers<Row | undefined>()
    waiting.push({ item, done })
    if (!isUnderWay) queueMicrotask(flush)
    isUnderWay = true
    return done.promise
  }
}

const items = 'jsonb_to_recordset($1::jsonb) as i(n int, id uuid, step int, status text, text text)'
const begin = batched<{ id: string }>(
  `insert into tasks (id, status, current_step) select id, 'submitting', 0 from ${items}`,
)
const opened = batched<{ id: string; step: number }, { n: number }>(
  `update tasks t set status = 'submitting' from ${items}
   where t.id = i.id and t.status = 'waiting_continue' and t.current_step = i.step returning i.n`,
)
const created = batched<{ id: string; text: string }>(
  `update tasks t set prediction_id = i.text, status = case t.status when 'submitting' then 'processing' else t.status end
   from ${items} where t.id = i.id`,
)
const shown = batched<{ id: string; step: number; status: string; text: string }>(
  `update tasks t set status = i.status, current_step = i.step, result = i.text from ${items} where t.id = i.id`,
)
async function pay(id: string, step: number): Promise<void> {
  await created({ id, text: await submit(id, step) })
}

serve({
  start: async () => {
    const id = randomUUID()
    await begin({ id })
    pay(id, 1).catch(console.error)
    return id
  },
  open: async (id, step) => {
    if (await opened({ id, step })) pay(id, step + 1).catch(console.error)
  },
  ended: async (ended: Ended) => {
    const { task: id, step } = ended
    const key = await keep(ended)
    await shown({ id, step, status: step === steps ? 'completed' : 'waiting_continue', text: key })
    return true
  },
  view: async (id) => {
    const text = 'select status, current_step from tasks where id = $1'
    return (await pool.query<View>(text, [id])).rows[0] ?? { status: 'processing', current_step: 0 }
  },
})
