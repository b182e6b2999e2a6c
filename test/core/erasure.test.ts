// What erasing decides without the database: what a stub must say, and who may come back.
import { expect, test } from 'vitest'
import { isAnonymous, stubOf } from '../../core/erasure.ts'

test.each([
  [
    { model: 'owner/model', marked: true },
    { model: 'owner/model', marked: true },
  ],
  [{ model: 'owner/model' }, { model: 'owner/model', marked: false }],
  [{ person_image: 'https://images.test/ada.jpg' }, undefined],
  [null, undefined],
  ['words', undefined],
])('stubOf() of %j is %j', (input, stub) => {
  expect(stubOf(input)).toEqual(stub)
})

test('isAnonymous() is true of anonymous users alone', () => {
  expect(isAnonymous('01900000-0000-7000-8000-000000000001')).toBe(true)
  expect(isAnonymous('auth:ada')).toBe(false)
})
