// The words of a task: its open attempt, its endings, where its results are, and the view of it that its owner sees.
import { expect, test } from 'vitest'
import {
  askedAgain,
  askedOf,
  chosenFile,
  isFinished,
  requireOpenAttempt,
  resultKey,
  type StepRecord,
  statuses,
  storedAttempt,
} from '../../core/task.ts'
import { fileEnding, fileName, resultUrl, taskView } from '../../core/view.ts'
import { type Row, type TaskOverrides, taskRow } from '../setup/factory.ts'

const at = new Date('2026-03-01T12:00:00.000Z')
const id = '018f0000-0000-7000-8000-000000000000'
const row = (overrides: TaskOverrides): Row => taskRow({ id, at, ...overrides })
const record = (attempt: number, status: StepRecord['status'], past?: StepRecord['past']): StepRecord => ({
  ...{ step: 1, attempt, status, prediction_id: `p${attempt}`, submitted_at: null, finished_at: null },
  ...(status === 'completed' && { files: [{ type: 'image/png', size: 9 }] }),
  ...(past && { past }),
})

test('requireOpenAttempt() names the open attempt, and throws when there is none', () => {
  const running = row({ phase: 'running', current_step: 2, attempt: 3 })
  expect(requireOpenAttempt(running)).toEqual({ id, step: 2, attempt: 3, claim_token: running.claim_token })
  expect(() => requireOpenAttempt(row({ status: 'failed' }))).toThrow(`task ${id} has no open attempt (status failed)`)
})

test('isFinished() is true of the three endings', () => {
  expect(statuses.filter(isFinished)).toEqual(['completed', 'failed', 'canceled'])
})

test('resultKey() keeps every prediction apart, and is a key whatever the provider calls it', () => {
  expect(resultKey(id, 2, 'abc-1_D')).toBe(`results/${id}/2/abc-1_D/0`)
  expect(resultKey(id, 2, 'abc-1_D', 1)).toBe(`results/${id}/2/abc-1_D/1`)
  expect(resultKey(id, 2, '../a b/é')).toBe(`results/${id}/2/---a-b--/0`)
})

test('resultUrl() names the attempt from the second on', () => {
  expect(resultUrl(id, 2, 1)).toBe(`/api/result?task_id=${id}&step=2&attempt=1`)
  expect(resultUrl(id, 2, 3)).toBe(`/api/result?task_id=${id}&step=2&attempt=3`)
})

test('resultUrl() names the file from the second on', () => {
  expect(resultUrl(id, 2, 1, 1)).toBe(`/api/result?task_id=${id}&step=2&attempt=1`)
  expect(resultUrl(id, 2, 3, 2)).toBe(`/api/result?task_id=${id}&step=2&attempt=3&file=2`)
})

test('fileName() tells recipe, step and type, and the file from the second on', () => {
  expect(fileName('try-on', 3, 1, 'image/jpeg')).toBe('try-on-step-3.jpeg')
  expect(fileName('avatar', 1, 1, 'application/x-safetensors')).toBe('avatar-step-1.safetensors')
  expect(fileName('avatar', 1, 2, 'application/json')).toBe('avatar-step-1-2.json')
  expect(fileName('clip', 2, 1, 'video/quicktime')).toBe('clip-step-2.mov')
})

test.each([
  ['video/mp4', 'mp4'],
  ['video/webm', 'webm'],
  ['video/quicktime', 'mov'],
  ['audio/mpeg', 'mp3'],
  ['audio/mp4', 'm4a'],
  ['audio/x-m4a', 'm4a'],
  ['audio/ogg; codecs=opus', 'ogg'],
])('a file of %s ends in .%s', (type, ending) => {
  expect(fileEnding(type)).toBe(ending)
})

const stored: [string, StepRecord[], number | undefined][] = [
  ['nothing of a step that has no record', [], undefined],
  ["the step's own attempt", [record(1, 'completed')], 1],
  ['nothing of a step that only failed', [record(1, 'failed')], undefined],
  ['the newest before a failed redo', [record(3, 'failed', [record(1, 'completed'), record(2, 'completed')])], 2],
  ['the redo rather than what was before', [record(2, 'completed', [record(1, 'completed')])], 2],
]
test.each(stored)('storedAttempt() finds %s', (_, steps, attempt) => {
  expect(storedAttempt({ steps }, 1)?.attempt).toBe(attempt)
})

test('storedAttempt() finds the very attempt that is asked for, if its result is stored', () => {
  const past = [record(1, 'completed'), record(2, 'failed')]
  const found = [1, 2, 3, 4].map((attempt) => storedAttempt({ steps: [record(3, 'completed', past)] }, 1, attempt))
  expect(found.map((one) => one?.attempt)).toEqual([1, undefined, 3, undefined])
})

test('storedAttempt() finds what was chosen rather than the newest, and chosenFile() which of its files', () => {
  const steps = [{ ...record(2, 'completed', [record(1, 'completed')]), chosen: { attempt: 1, file: 3 } }]
  expect([storedAttempt({ steps }, 1)?.attempt, chosenFile({ steps }, 1)]).toEqual([1, 3])
  expect([chosenFile({ steps: [record(1, 'completed')] }, 1), chosenFile({ steps: [] }, 0)]).toEqual([1, 1])
})

test('askedOf() gives what the task was started with, or what a step is asked for otherwise', () => {
  const task = { candidates: 2, changes: { 2: { change: { hint: 'red' } }, 3: { candidates: 4 } } }
  expect([1, 2, 3].map((step) => askedOf(task, step))).toEqual([
    { change: undefined, candidates: 2 },
    { change: { hint: 'red' }, candidates: 2 },
    { change: undefined, candidates: 4 },
  ])
})

test('taskView() shows a task that has not begun', () => {
  expect(taskView(row({ status: 'pending' }), 2_000)).toEqual({
    ...{ task_id: id, recipe: 'try-on', status: 'pending', current_step: 0, total_steps: 3, steps: [] },
    ...{ intermediate_result: null, result_url: null, error_code: null, error_message: null, gate_reason: null },
    cost: { estimated_micros: null, steps_micros: null, settled_micros: 0 },
    ...{ created_at: '2026-03-01T11:59:00.000Z', updated_at: at.toISOString(), finished_at: null },
    poll_after_ms: 2_000,
  })
})

test('taskView() shows the open attempt after the closed steps', () => {
  const task = row({ phase: 'running', current_step: 2 })
  const [first, second, ...rest] = taskView(task, 2_000).steps
  expect(first).toMatchObject({ step: 1, status: 'completed', attempt: 1, result_url: resultUrl(id, 1, 1) })
  expect(second).toEqual({
    ...{ step: 2, status: 'processing', attempt: 1, result_url: null, files: [], prediction_id: task.prediction_id },
    ...{ submitted_at: '2026-03-01T11:59:30.000Z', finished_at: null },
    attempts: [
      {
        ...{ attempt: 1, status: 'processing', chosen: false, chosen_file: null, files: [], result_url: null },
        ...{ cost_micros: null, change: null, candidates: 1, seed: expect.any(Number) },
        ...{ submitted_at: '2026-03-01T11:59:30.000Z', finished_at: null },
      },
    ],
  })
  expect(rest).toEqual([])
})

test('taskView() shows an attempt whose create is on its way, and keeps the link that a redo replaces', () => {
  const task = row({ phase: 'submitting', attempt: 2, submitted_at: null, steps: [record(1, 'completed')] })
  expect(taskView(task, 2_000).steps).toMatchObject([
    {
      ...{ step: 1, status: 'processing', attempt: 2, result_url: resultUrl(id, 1, 1), prediction_id: null },
      ...{ submitted_at: null, finished_at: null },
      files: [{ name: 'try-on-step-1.png', type: 'image/png', size: 9, url: resultUrl(id, 1, 1) }],
    },
  ])
})

test('taskView() tells what a task costs, and why a gate stands only while it does', () => {
  const priced = { prices: [10, 20, 30], settled_micros: 12, gate_reason: 'budget_exceeded' } as const
  const steps = [{ ...record(1, 'completed'), cost_micros: 12 }]
  const view = taskView(row({ status: 'waiting_continue', ...priced, prices: [10, 20, 30], steps }), 2_000)
  expect(view.cost).toEqual({ estimated_micros: 60, steps_micros: [10, 20, 30], settled_micros: 12 })
  expect(view.steps[0]?.attempts[0]?.cost_micros).toBe(12)
  expect(view.gate_reason).toBe('budget_exceeded')
  const over = taskView(row({ status: 'canceled', ...priced, prices: [10, null, 30] }), 2_000)
  expect([over.cost.estimated_micros, over.gate_reason]).toEqual([null, null])
})

test('taskView() lists every file of a step, main result first', () => {
  const two = [
    { type: 'application/x-safetensors', size: 900 },
    { type: 'application/json', size: 9 },
  ]
  const task = row({ recipe: 'avatar', status: 'completed', total_steps: 1 })
  const [step] = taskView({ ...task, steps: [{ ...record(2, 'completed'), files: two }] }, 2_000).steps
  expect(step?.files).toEqual([
    { name: 'avatar-step-1.safetensors', ...two[0], url: resultUrl(id, 1, 2) },
    { name: 'avatar-step-1-2.json', ...two[1], url: `${resultUrl(id, 1, 2)}&file=2` },
  ])
  expect(step?.result_url).toBe(step?.files[0]?.url)
})

test('taskView() shows an ending with its words, and asks for no more polls', () => {
  expect(taskView(row({ status: 'failed' }), 2_000)).toMatchObject({
    ...{ status: 'failed', error_code: 'provider_failed', error_message: 'The model ran out of memory.' },
    ...{ finished_at: at.toISOString(), poll_after_ms: null, steps: [{ status: 'failed', result_url: null }] },
  })
  const completed = taskView(row({ status: 'completed', total_steps: 2 }), 2_000)
  expect(completed).toMatchObject({ result_url: resultUrl(id, 2, 1), poll_after_ms: null })
  expect(completed.steps.map(({ result_url }) => result_url)).toEqual([resultUrl(id, 1, 1), resultUrl(id, 2, 1)])
})

test('taskView() keeps every attempt of a step in sight, oldest first, and says whose result is the step’s', () => {
  const failed = record(3, 'failed', [record(1, 'completed'), record(2, 'completed')])
  const attemptsOf = (task: TaskOverrides) => taskView(row(task), 2_000).steps[0]?.attempts ?? []
  const waiting = attemptsOf({ status: 'waiting_continue', steps: [failed] })
  expect(waiting.map(({ attempt, status, chosen, result_url }) => [attempt, status, chosen, result_url])).toEqual([
    [1, 'completed', false, resultUrl(id, 1, 1)],
    [2, 'completed', true, resultUrl(id, 1, 2)],
    [3, 'failed', false, null],
  ])
  expect(waiting[0]?.files).toEqual([
    { name: 'try-on-step-1.png', type: 'image/png', size: 9, url: resultUrl(id, 1, 1) },
  ])
  const running = attemptsOf({ phase: 'running', attempt: 4, steps: [failed] })
  expect(running.map(({ attempt, status, chosen }) => [attempt, status, chosen])).toEqual([
    [1, 'completed', false],
    [2, 'completed', true],
    [3, 'failed', false],
    [4, 'processing', false],
  ])
})

test("taskView() shows nothing of the engine's own", () => {
  const text = JSON.stringify(taskView(row({ phase: 'running' }), 2_000))
  for (const hidden of ['claim_token', 'user_id', 'strays', 'provider', 'input'])
    expect(text).not.toContain(`"${hidden}"`)
})

test('askedAgain() repeats the picture that is shown, the attempt that failed, or the start where there is neither', () => {
  const shown = { ...record(1, 'completed'), change: { prompt: 'red' }, candidates: 2 }
  const again = (more: TaskOverrides, step = 1) => askedAgain(row(more), step)
  expect(again({ status: 'waiting_continue', steps: [shown] })).toEqual({ change: { prompt: 'red' }, candidates: 2 })
  expect(again({ status: 'failed', steps: [record(1, 'failed', [shown])] })).toMatchObject({ candidates: 1 })
  expect(again({ status: 'waiting_continue', steps: [] })).toMatchObject({ candidates: 1 })
})

test('taskView() shows a change in words, and never where a picture of it lies', () => {
  const change = { prompt: 'red', garment: `file:inputs/${id}/1/0` }
  const [step] = taskView(row({ steps: [{ ...record(1, 'completed'), change }] }), 2_000).steps
  expect(step?.attempts[0]?.change).toEqual({ prompt: 'red', garment: 'a picture' })
})

test('taskView() shows what the open attempt is asked for', () => {
  const asked = {
    phase: 'running',
    current_step: 2,
    candidates: 3,
    changes: { 2: { change: { prompt: 'red' } } },
  } as const
  const [, second] = taskView(row(asked as TaskOverrides), 2_000).steps
  expect(second?.attempts[0]).toMatchObject({ change: { prompt: 'red' } })
  const nameless = { ...row({ phase: 'running', current_step: 1, steps: [] }), claim_token: null }
  expect(taskView(nameless, 2_000).steps).toHaveLength(1)
})
