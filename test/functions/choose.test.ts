// POST /api/choose, and continue with a choice: the picture that a person likes better goes on, and nothing is paid again.
import { expect, test } from 'vitest'
import type { TaskView } from '../../core/answers.ts'
import { resultKey } from '../../core/task.ts'
import { cancel } from '../../functions/cancel.ts'
import { choose } from '../../functions/choose.ts'
import { continueEndpoint } from '../../functions/continue.ts'
import { redo } from '../../functions/redo.ts'
import { result } from '../../functions/result.ts'
import { status } from '../../functions/status.ts'
import {
  begun,
  costs,
  fault,
  isOver,
  isWaiting,
  pingUntil,
  press,
  rowOf,
  type Story,
  viewOf,
} from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'

const clock = testClock()
const app = await useTestDeps({ clock })

/** A task of two garments at its gate, with so many attempts of step 1. */
async function waiting(attempts: number): Promise<Story> {
  const story = await begun(app, { garments: 2 })
  await pingUntil(app, story, isWaiting, { clock })
  for (let attempt = 1; attempt < attempts; attempt += 1) {
    expect((await press(app, redo, story, { step: 1, attempt })).status).toBe(202)
    await app.settle()
    await pingUntil(app, story, isWaiting, { clock })
  }
  return story
}

const look = async ({ id, token }: Story): Promise<TaskView> =>
  viewOf(await app.call(status, { path: `/api/status?task_id=${id}`, token }))

const predictionOf = (view: Awaited<ReturnType<typeof rowOf>>, attempt: number) =>
  [...(view.steps[0]?.past ?? []), view.steps[0]].find((one) => one?.attempt === attempt)?.prediction_id ?? ''

/** The bytes that the provider was given as the person of its newest prediction. */
function lastPerson(): unknown {
  const { predictions } = app.simulator.replicate.till()
  const input = predictions.at(-1)?.input as Record<string, unknown> | undefined
  return input?.['person_image'] ?? input?.['human_img']
}

async function inlined(key: string): Promise<string> {
  const found = await app.deps.files.read(key)
  if (!found) throw new Error(`${key} is not stored`)
  return `data:${found.file.type};base64,${Buffer.from(await new Response(found.body).bytes()).toString('base64')}`
}

test('redone twice, attempt 1 is chosen: it is the next step’s input, and each attempt was paid once', async () => {
  const story = await waiting(3)
  const row = await rowOf(app, story)
  const first = await inlined(resultKey(story.id, 1, predictionOf(row, 1)))
  const clicks = await Promise.all(
    Array.from({ length: 3 }, () => press(app, continueEndpoint, story, { step: 1, attempt: 1 })),
  )
  expect(clicks.map((answer) => answer.status).toSorted()).toEqual([200, 200, 202])
  await app.settle()
  await pingUntil(app, story, isOver, { clock })
  expect(lastPerson()).toBe(first)
  expect(costs(app)).toEqual({ sent: 4, created: 4, canceled: 0 })
  const [step] = (await look(story)).steps
  expect(step?.attempts.map(({ attempt, chosen }) => [attempt, chosen])).toEqual([
    [1, true],
    [2, false],
    [3, false],
  ])
  expect(step).toMatchObject({ attempt: 3, result_url: `/api/result?task_id=${story.id}&step=1&attempt=1` })
})

test('a choice at the gate shows at once, can be taken back, and holds for a plain continue', async () => {
  const story = await waiting(2)
  const chosen = await press(app, choose, story, { step: 1, attempt: 1 })
  const url = `/api/result?task_id=${story.id}&step=1&attempt=1`
  expect([chosen.status, await viewOf(chosen)]).toMatchObject([
    200,
    { intermediate_result: url, status: 'waiting_continue' },
  ])
  const plain = await app.call(result, { path: `/api/result?task_id=${story.id}&step=1`, token: story.token })
  const named = await app.call(result, { path: url, token: story.token })
  expect(Buffer.from(await plain.bytes()).equals(Buffer.from(await named.bytes()))).toBe(true)
  const again = await press(app, choose, story, { step: 1, attempt: 1 })
  expect([again.status, (await viewOf(again)).updated_at]).toEqual([200, (await look(story)).updated_at])
  await press(app, choose, story, { step: 1, attempt: 2 })
  await press(app, choose, story, { step: 1, attempt: 1 })
  expect((await press(app, continueEndpoint, story, { step: 1 })).status).toBe(202)
  await app.settle()
  await pingUntil(app, story, isOver, { clock })
  expect(lastPerson()).toBe(await inlined(resultKey(story.id, 1, predictionOf(await rowOf(app, story), 1))))
})

test('a choice on a page that is out of date changes nothing, and says so', async () => {
  const story = await waiting(2)
  await press(app, continueEndpoint, story, { step: 1, attempt: 1 })
  await app.settle()
  const same = await press(app, continueEndpoint, story, { step: 1, attempt: 1 })
  expect(same.status).toBe(200)
  for (const [endpoint, body, path, said] of [
    [continueEndpoint, { step: 1, attempt: 2 }, 'attempt', 'step 1 has gone on with attempt 1, file 1.'],
    [continueEndpoint, { step: 1, attempt: 1, file: 2 }, 'file', 'step 1 has gone on with attempt 1, file 1.'],
    [choose, { step: 1, attempt: 2 }, 'step', ''],
  ] as const) {
    const late = await press(app, endpoint, story, body)
    expect([late.status, await late.json()]).toMatchObject([
      409,
      { code: 'not_waiting', errors: [{ path }], detail: expect.stringContaining(`${path}: ${said}`) },
    ])
  }
  expect((await rowOf(app, story)).steps[0]?.chosen).toEqual({ attempt: 1, file: 1 })
  const redone = await waiting(1)
  await press(app, redo, redone, { step: 1, attempt: 1 })
  const early = await press(app, continueEndpoint, redone, { step: 1, attempt: 1 })
  expect([early.status, await early.json()]).toMatchObject([409, { code: 'not_waiting' }])
  await app.settle()
})

test('after a choice, a redo names the newest attempt as before, and one of an older attempt changes nothing', async () => {
  const story = await waiting(2)
  const { steps } = await viewOf(await press(app, choose, story, { step: 1, attempt: 1 }))
  expect((await press(app, redo, story, { step: 1, attempt: 1 })).status).toBe(200)
  expect((await press(app, redo, story, { step: 1, attempt: steps[0]?.attempt })).status).toBe(202)
  await app.settle()
  await pingUntil(app, story, isWaiting, { clock })
  const view = await look(story)
  expect(view.steps[0]?.attempts.map(({ chosen }) => chosen)).toEqual([false, false, true])
  expect(costs(app).sent).toBe(3)
})

test('what failed, or whose file is gone, is not chosen, and nothing is paid', async () => {
  fault(app, { on: 'outcome', fault: 'failed' })
  const story = await begun(app, { garments: 2 })
  await pingUntil(app, story, isOver, { clock })
  await press(app, redo, story, { step: 1, attempt: 1 })
  await app.settle()
  await pingUntil(app, story, isWaiting, { clock })
  await press(app, redo, story, { step: 1, attempt: 2 })
  await app.settle()
  const row = await pingUntil(app, story, isWaiting, { clock })
  await app.deps.files.remove(resultKey(story.id, 1, predictionOf(row, 2)))
  for (const endpoint of [continueEndpoint, choose]) {
    const failed = await press(app, endpoint, story, { step: 1, attempt: 1 })
    expect([failed.status, await failed.json()]).toMatchObject([
      409,
      { code: 'not_choosable', detail: expect.stringMatching(/failed/) },
    ])
    const gone = await press(app, endpoint, story, { step: 1, attempt: 2 })
    expect([gone.status, await gone.json()]).toMatchObject([
      409,
      { code: 'not_choosable', errors: [{ path: 'attempt', message: expect.stringMatching(/no longer stored/) }] },
    ])
  }
  expect(await rowOf(app, story)).toEqual(row)
  expect(costs(app).sent).toBe(3)
})

test('a canceled task’s result is settled', async () => {
  const story = await waiting(2)
  await press(app, cancel, story)
  const refused = await press(app, choose, story, { step: 1, attempt: 1 })
  expect([refused.status, await refused.json()]).toMatchObject([
    409,
    { code: 'not_waiting', errors: [{ path: 'step' }] },
  ])
})
