// Answers have the shapes that the API's document and the typed client take from their schemas.
import { expect, test } from 'vitest'
import { problemSchema, taskViewSchema } from '../../core/answers.ts'
import { problems } from '../../core/errors.ts'
import { healthySchema } from '../../core/operator-answers.ts'
import { type Deleted, deletedSchema } from '../../core/privacy-answers.ts'
import { statuses } from '../../core/task.ts'
import { taskView } from '../../core/view.ts'
import { taskRow } from '../setup/factory.ts'

test.each(statuses)('a task that is %s is shown in the shape of its schema', (status) => {
  const view = taskView(taskRow({ status }), 2_000)
  expect(taskViewSchema.parse(view)).toEqual(view)
})

test.each(Object.entries(problems))('a refusal %s has the shape of its schema', (code, status) => {
  const refusal = { type: 'about:blank', title: 'Refused', status, code, detail: 'What would be right.' }
  expect(problemSchema.parse(refusal)).toMatchObject({ code, status })
})

test('a receipt tells when and how much, and nothing else', () => {
  const receipt: Deleted = { deleted: { tasks: 1, uploads: 0 }, erased: true, at: '2026-03-01T12:00:00.000Z' }
  expect(deletedSchema.parse({ ...receipt, user: 'ada' })).toEqual(receipt)
})

test('health tells a stranger that it answers, and whoever is told of tasks a figure for each status', () => {
  expect(healthySchema.parse({ status: 'ok' })).toEqual({ status: 'ok' })
  const tasks = Object.fromEntries(statuses.map((status) => [status, 0]))
  expect(healthySchema.parse({ status: 'ok', tasks })).toEqual({ status: 'ok', tasks })
  const { pending: _, ...some } = tasks
  expect(healthySchema.safeParse({ status: 'ok', tasks: some }).success).toBe(false)
})
