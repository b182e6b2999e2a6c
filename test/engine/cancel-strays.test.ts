// cancelStrays(): each stray is canceled when its time has come, and nothing is told where nothing is to be written.
import { expect, test } from 'vitest'
import type { Claimed } from '../../db/statements/claimed.ts'
import { cancelStrays } from '../../engine/cancel-strays.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import { later, stray, type TaskOverrides, taskRow } from '../setup/factory.ts'

const clock = testClock()
const app = await useTestDeps({ clock })
const claimed_at = clock.now()
const claimed = (overrides: TaskOverrides): Claimed => ({ ...taskRow(overrides), work: 'check', claimed_at })
const early = stray({ prediction_id: 'early', retry_at: later(claimed_at, 50).toISOString() })
const due = stray({ prediction_id: 'due', retry_at: claimed_at.toISOString() })
const fresh = stray({ prediction_id: 'fresh' })
const over = stray({ prediction_id: 'over', over: true })
const cancels = () => app.simulator.replicate.till().requests.cancel

test('cancelStrays() tries those that are due, and tells of the others when they will be', async () => {
  const told = await cancelStrays(app.deps, claimed({ status: 'canceled', strays: [early, due, over, fresh] }))
  expect(told).toMatchObject([
    { prediction_id: 'early', over: false, retry_in: 50 },
    { prediction_id: 'due', over: false, missing: true, retry_in: 60 },
    { prediction_id: 'fresh', over: false, missing: true, retry_in: 60 },
  ])
  expect(cancels()).toBe(2)
})

test('cancelStrays() of which none is due tells a task at rest when one will be, and one under way nothing', async () => {
  const strays = [early, over]
  for (const status of ['canceled', 'waiting_continue'] as const) {
    expect(await cancelStrays(app.deps, claimed({ status, strays }))).toMatchObject([{ retry_in: 50 }])
  }
  for (const phase of ['running', 'storing', 'unconfirmed'] as const) {
    expect(await cancelStrays(app.deps, claimed({ phase, strays }))).toEqual([])
  }
  expect(cancels()).toBe(0)
})
