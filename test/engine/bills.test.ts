// What fal charges settles what was expected, hours later: the sweep asks for it, and the task, the day's counters and the ledger tell it.
import { sql } from 'kysely'
import { beforeEach, expect, test } from 'vitest'
import { recover } from '../../functions/recover.ts'
import { status } from '../../functions/status.ts'
import { worker } from '../../functions/worker.ts'
import { begun, isOver, ping, pingUntil, type Story, viewOf } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'

const clock = testClock()
const app = await useTestDeps({ clock })
const { fal } = app.simulator
// The ledger takes no deletes but where triggers are off.
beforeEach(() =>
  sql.raw('begin; set local session_replication_role = replica; delete from ledger; commit').execute(app.deps.db),
)

/** A training that is expected to cost 24 cents. */
async function trained(outcome?: 'failed'): Promise<Story> {
  if (outcome) fal.addFaults([{ on: 'outcome', fault: outcome }])
  const story = await begin()
  await pingUntil(app, story, isOver, { clock, every: 60, within: 90_000 })
  return story
}

function begin(): Promise<Story> {
  const images_url = 'https://images.test/photos.zip'
  const body = { recipe: 'avatar', training_type: 'portrait', images_url, trigger_phrase: 'ada', steps: 100 }
  return begun(app, { body })
}

async function sweepAfter(seconds: number): Promise<void> {
  clock.advance(seconds)
  await ping(app, recover)
}

async function told({ id, token }: Story) {
  const { cost, steps } = await viewOf(await app.call(status, { path: `/api/status?task_id=${id}`, token }))
  const { rows } = await sql<{ micros: number }>`
    select settled_micros as micros from ledger where kind = 'adjusted'`.execute(app.deps.db)
  const { rows: days } = await sql<{ micros: number }>`
    select spent_micros as micros from spending where scope = 'all'`.execute(app.deps.db)
  return [cost?.settled_micros, steps[0]?.attempts?.[0]?.cost_micros, rows.map(({ micros }) => micros), days[0]?.micros]
}

test('a charge that is told later settles the estimate, once', async () => {
  fal.set({ percent_discount: 25 })
  const story = await trained()
  expect(await told(story)).toEqual([240_000, 240_000, [], 240_000])
  await sweepAfter(700)
  expect(await told(story)).toEqual([180_000, 180_000, [-60_000], 180_000])
  await sweepAfter(3_600)
  expect(await told(story)).toEqual([180_000, 180_000, [-60_000], 180_000])
  expect(fal.till().requests.bill).toBe(1)
})

test('a charge is found though its training had ended days before that was noticed', async () => {
  fal.set({ percent_discount: 25 })
  const story = await begin()
  await ping(app, worker)
  clock.advance(2 * 86_400)
  await pingUntil(app, story, isOver, { clock, every: 60, within: 90_000 })
  await sweepAfter(700)
  expect(await told(story)).toEqual([180_000, 180_000, [-60_000], 180_000])
})

test('what is not charged within a day was not charged', async () => {
  const story = await trained('failed')
  await sweepAfter(3_600)
  expect(await told(story)).toEqual([240_000, 240_000, [], 240_000])
  await sweepAfter(86_400)
  expect(await told(story)).toEqual([0, 0, [-240_000], 0])
})

test('a charge whose sum can’t be right is not taken for none', async () => {
  const story = await trained()
  fal.set({ percent_discount: 200 })
  await sweepAfter(3_600)
  await sweepAfter(86_400)
  expect(await told(story)).toEqual([240_000, 240_000, [], 240_000])
})

test.each<[string, () => void]>([
  ['a key that is not told of charges', () => fal.set({ is_admin: false })],
  ['charges that are told late', () => fal.set({ bill_after_seconds: 7_200 })],
])('the estimate stays with %s', async (_name, arrange) => {
  arrange()
  const story = await trained()
  await sweepAfter(3_600)
  expect(await told(story)).toEqual([240_000, 240_000, [], 240_000])
})
