// The fewest statements that a task can take: counted in the database itself, with webhooks and without a ping or a poll.
import { expect, test } from 'vitest'
import { continueEndpoint } from '../../functions/continue.ts'
import { testClock } from '../setup/clock.ts'
import { statementCounter } from '../setup/database.ts'
import { useTestDeps } from '../setup/deps.ts'
import { begun, costs, deliverWebhooks, press, rowOf } from './setup.ts'

const clock = testClock()
// The webhook waits for its copy, however slow the machine is. Where a copy takes longer than a provider is to wait for its answer, the attempt
// is told its prediction before, by one statement more: test/scenarios/webhooks.test.ts has that.
const wait = () => new Promise<void>(() => undefined)
const app = await useTestDeps({ clock, mounted: true, wait })
const counter = statementCounter(app.database.url)
// What the first pass of an hour deletes belongs to no task, and was deleted before.
await app.deps.instants.note('sweep')

/** Both events of the step's prediction, each by itself. */
async function reported(): Promise<void> {
  await deliverWebhooks(app, clock)
  clock.advance(5)
  await deliverWebhooks(app, clock)
}

test.each([
  ['two', 2, 9],
  ['three', 3, 13],
])(
  'a task of %s steps, looked at after each, takes no more than its floor of statements',
  async (_name, steps, most) => {
    await counter.reset()
    const story = await begun(app, { garments: steps })
    await reported()
    for (let step = 1; step < steps; step += 1) {
      expect((await press(app, continueEndpoint, story, { step })).status).toBe(202)
      await app.settle()
      await reported()
    }
    const list = await counter.list()
    const statements = list.reduce((total, { calls }) => total + calls, 0)
    expect(statements, JSON.stringify(list, null, 1)).toBe(most)
    expect(await rowOf(app, story)).toMatchObject({ status: 'completed', current_step: steps })
    expect(costs(app)).toEqual({ sent: steps, created: steps, canceled: 0 })
  },
)
