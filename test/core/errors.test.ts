// Refusals: the status goes with the code.
import { expect, test } from 'vitest'
import { AppError, type ProblemCode, problems } from '../../core/errors.ts'

test.each(Object.entries(problems) as [ProblemCode, number][])('AppError %s goes with status %d', (code, status) => {
  const error = new AppError(code, 'Say what would be right.')
  expect(error).toMatchObject({ name: 'AppError', code, status, message: 'Say what would be right.' })
  expect(error).toMatchObject({ errors: undefined, headers: {}, extra: {}, cause: undefined })
  expect(status).toBeGreaterThanOrEqual(400)
})

test('AppError carries what its receiver needs', () => {
  const options = {
    ...{ cause: new Error('below'), errors: [{ path: 'garments', message: 'must not be empty' }] },
    ...{ headers: { Allow: 'POST' }, extra: { task_id: 'one' } },
  }
  expect(new AppError('already_running', 'It runs.', options)).toMatchObject({ ...options, status: 409 })
})
