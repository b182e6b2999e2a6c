// A caller of the doors while Neon's database wakes up or loses answers: whatever is accepted is one task, and what is refused can
// be repeated by its Idempotency-Key.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { continueEndpoint } from '../../functions/continue.ts'
import { health } from '../../functions/health.ts'
import { start } from '../../functions/start.ts'
import { status } from '../../functions/status.ts'
import { inputOf } from '../scenarios/setup.ts'
import { openClient } from '../setup/client.ts'
import { neonStandIn } from '../setup/database.ts'
import { useTestDeps } from '../setup/deps.ts'
import { insertTask } from '../setup/factory.ts'
import { runLate } from '../setup/late.ts'
import type { Fault } from '../setup/neon.ts'

const app = await useTestDeps()
const standIn = await neonStandIn()
const timeoutMs = 10_000
const { db } = await app.database.connect('neon', { timeoutMs })
const client = openClient({ ...app.deps, db })
const token = await client.signIn('ada')
const asleep: Fault = { status: 500, answer: { message: "Couldn't connect to compute node" } }

const startWith = (key: string) =>
  client.call(start, { path: '/api/start', body: inputOf(), token, headers: { 'idempotency-key': key } })
const tasks = async () =>
  (await sql<{ n: number }>`select count(*)::int as n from tasks`.execute(app.deps.db)).rows[0]?.n

test('a start that finds the database suspended is accepted when it has woken up', async () => {
  standIn.faults.push(asleep, { slowMs: 300 })
  expect((await startWith('waking')).status).toBe(202)
  await client.settle()
  expect(await tasks()).toBe(1)
})

test.each<Fault>(['reset-before', 'reset-after', 'hang', 'hang-after', 'error'])(
  'a start whose fate is unknown (%s) answers 503, and its key then finds or makes the one task',
  async (fault) => {
    const { held } = standIn
    standIn.faults.push(fault)
    const hangs = fault === 'hang' || fault === 'hang-after'
    const begin = () => startWith('unsure')
    const unsure = await (hangs ? runLate(timeoutMs, () => standIn.held > held, begin) : begin())
    expect([unsure.status, unsure.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await unsure.json()).toMatchObject({
      code: 'unavailable',
      detail: expect.stringContaining('repeat it with the same Idempotency-Key'),
    })
    const again = await startWith('unsure')
    expect(again.status).toBe(fault === 'reset-after' || fault === 'hang-after' ? 200 : 202)
    await client.settle()
    expect(await tasks()).toBe(1)
  },
)

test('a database that stays asleep answers 503 that nothing was changed, and when to try again', async () => {
  standIn.faults.push(asleep, asleep, asleep, asleep)
  const refused = await startWith('asleep')
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
  expect(await refused.json()).toMatchObject({ detail: expect.stringContaining('Nothing was changed') })
  expect(await tasks()).toBe(0)
})

test('polls, health and a click answer through a lost answer, and a second click changes nothing', async () => {
  const { id } = await insertTask(app.deps.db, { status: 'waiting_continue' })
  standIn.faults.push('reset-before')
  expect((await client.call(status, { path: `/api/status?task_id=${id}`, token })).status).toBe(200)
  standIn.faults.push('reset-after')
  expect((await client.call(health, { path: '/api/health' })).status).toBe(200)
  const click = () => client.call(continueEndpoint, { path: '/api/continue', body: { task_id: id, step: 1 }, token })
  standIn.faults.push('reset-after')
  expect([(await click()).status, (await click()).status]).toEqual([202, 200])
  await client.settle()
})
