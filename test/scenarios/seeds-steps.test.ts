// The document on garments approved step by step, walked as it says: three garments, a checker that only checks, a person who continues; and its
// SQL for whoever watches, word for word.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { TaskView } from '../../core/answers.ts'
import { checker } from '../../functions/checker.ts'
import { continueEndpoint } from '../../functions/continue.ts'
import { status } from '../../functions/status.ts'
import { worker } from '../../functions/worker.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import { insertTasks, states } from '../setup/factory.ts'
import { begin, inputOf, ping, press, type Story } from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock })

/** As they stand in the document. */
const active = `
-- Активные задачи
SELECT id, status, current_step, total_steps, 
       ROUND(EXTRACT(EPOCH FROM (NOW() - updated_at))) as sec_ago
FROM replicate_tasks 
WHERE status IN ('pending', 'processing', 'waiting_continue')
ORDER BY created_at DESC;
`
const waiting = `
-- Задачи ожидающие продолжения
SELECT id, user_id, current_step, total_steps
FROM replicate_tasks
WHERE status = 'waiting_continue';
`

async function look({ id, token }: Story): Promise<TaskView> {
  return (await (await app.call(status, { path: `/api/status?task_id=${id}`, token })).json()) as TaskView
}

/** Pings until a step is done: the checker's message when it was. */
async function checkUntilDone(story: Story): Promise<Record<string, unknown>> {
  for (let seconds = 0; seconds < 120; seconds += 5) {
    clock.advance(5)
    const said = await ping(app, checker)
    if (Number(said['waiting']) + Number(said['completed']) > 0) return said
  }
  throw new Error(`step of ${story.id} is not done after two minutes`)
}

test('three garments: each step is checked, shown and continued, and the third ends it', async () => {
  const story = await begin(app, { garments: 3 })
  expect(await ping(app, worker)).toMatchObject({ message: expect.stringMatching(/^Submitted \d predictions$/) })
  await app.settle()
  for (const step of [1, 2]) {
    expect(await checkUntilDone(story)).toMatchObject({ message: 'Checked 1 predictions', checked: 1 })
    const seen = await look(story)
    expect(seen).toMatchObject({ status: 'waiting_continue', current_step: step, total_steps: 3 })
    expect(seen.intermediate_result).toContain(`step=${step}`)
    // "{"task_id": "YOUR_TASK_ID"}" is all that continue needs.
    expect((await press(app, continueEndpoint, story)).status).toBe(202)
    await app.settle()
  }
  await checkUntilDone(story)
  expect(await look(story)).toMatchObject({
    status: 'completed',
    current_step: 3,
    result_url: expect.stringContaining('step=3'),
  })
})

test('the document’s SQL runs as it stands, and shows what is active and what waits', async () => {
  const at = new Date(Date.now() - 90_000)
  const [gate] = await insertTasks(app.deps.db, [
    { ...states.waiting_continue, at, user_id: 'eve' },
    { ...states.running, at, created_at: new Date(at.getTime() - 60_000) },
    { ...states.completed, at },
  ])
  const { rows } = await sql.raw<{ id: string; status: string; sec_ago: string }>(active).execute(app.deps.db)
  expect(rows.map((row) => row.status)).toEqual(['waiting_continue', 'processing'])
  for (const { sec_ago } of rows) expect(Math.abs(Number(sec_ago) - 90)).toBeLessThan(30)
  const asked = await sql.raw(waiting).execute(app.deps.db)
  expect(asked.rows).toEqual([{ id: gate?.id, user_id: 'eve', current_step: 1, total_steps: 3 }])
})

test('the view has every column of the document’s table, and a try-on’s person and garments as text', async () => {
  const story = await begin(app, { body: { ...inputOf(2), prompt_hints: 'linen' } })
  const { rows } = await sql<Record<string, unknown>>`select * from replicate_tasks where id = ${story.id}`.execute(
    app.deps.db,
  )
  expect(Object.keys(rows[0] ?? {}).toSorted()).toEqual(
    [
      ...[
        'id',
        'user_id',
        'status',
        'person_image',
        'garments',
        'prompt_hints',
        'result_url',
        'error_message',
        'prediction_id',
      ],
      ...['intermediate_result', 'current_step', 'total_steps', 'created_at', 'updated_at'],
    ].toSorted(),
  )
  expect(rows[0]).toMatchObject({ id: story.id, person_image: inputOf(2).person_image, prompt_hints: 'linen' })
  expect(JSON.parse(String(rows[0]?.['garments']))).toHaveLength(2)
})
