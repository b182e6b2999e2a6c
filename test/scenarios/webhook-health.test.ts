// What health tells of webhooks: that they are taken, or how many were refused and why, at next to no cost in statements.
import { beforeEach, expect, test } from 'vitest'
import type { Health } from '../../core/operator-answers.ts'
import { health } from '../../functions/health.ts'
import { webhook } from '../../functions/webhook.ts'
import { sign } from '../../simulator/replicate/signature.ts'
import { testClock } from '../setup/clock.ts'
import { statementCounter } from '../setup/database.ts'
import { cronSecret, useTestDeps, webhookSecret } from '../setup/deps.ts'
import { begun, rowOf } from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock, mounted: true })
// What was noted within the minute isn't noted again.
beforeEach(() => clock.advance(3_600))

/** As Replicate reports on the only prediction. */
function report(prediction: object, secret = webhookSecret): Promise<Response> {
  const { pathname, search } = new URL(app.simulator.replicate.till().predictions[0]?.webhook ?? '')
  const body = JSON.stringify(prediction)
  const timestampSeconds = Math.floor(clock.now().getTime() / 1000)
  const headers = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': sign({ secret, id: 'msg_1', timestampSeconds, body }),
  }
  return app.call(webhook, { path: pathname + search, body, headers })
}

/** What health tells of Replicate's webhooks. */
async function webhooksInHealth() {
  const answer = await app.call(health, { path: '/api/health', token: cronSecret })
  return ((await answer.json()) as Health).providers['replicate']?.webhooks
}

test('health tells of refused webhooks, why, and that they are taken again; a flood of them is a few statements', async () => {
  const story = await begun(app)
  const { prediction_id: id } = await rowOf(app, story)
  const running = { id, status: 'processing' }
  const secret = `whsec_${Buffer.from("another environment's").toString('base64')}`
  const refuse = async () => expect((await report(running, secret)).status).toBe(401)
  for (let n = 0; n < 14; n += 1) await refuse()
  await app.settle()
  const refused_at = expect.stringMatching(/T/)
  const last_reason = expect.stringContaining('webhook is refused')
  expect(await webhooksInHealth()).toEqual({ accepted_at: null, refused: 10, refused_at, last_reason })
  clock.advance(60)
  await refuse()
  expect((await report(running)).status).toBe(200)
  await app.settle()
  const known = await webhooksInHealth()
  expect(known).toMatchObject({ refused: 15, last_reason })
  expect(new Date(known?.accepted_at ?? 0)).toEqual(clock.now())
})

test("a stranger's call, without our seal in its address, is no provider's webhook", async () => {
  expect((await app.call(webhook, { path: '/api/webhook/replicate', body: {} })).status).toBe(401)
  await app.settle()
  expect(await webhooksInHealth()).toMatchObject({ refused: 0, last_reason: null })
})

test('to note that webhooks are taken costs no statement', async () => {
  const story = await begun(app)
  const { prediction_id: id } = await rowOf(app, story)
  const counter = statementCounter(app.database.url)
  for (const _ of ['the first of a minute', 'the second']) {
    await counter.reset()
    await report({ id, status: 'processing' })
    await app.settle()
    expect(await counter.count(), JSON.stringify(await counter.list())).toBe(1)
  }
  expect(new Date((await webhooksInHealth())?.accepted_at ?? 0)).toEqual(clock.now())
})
