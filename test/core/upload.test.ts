import { expect, test } from 'vitest'
import {
  copiedUploads,
  copyName,
  hourOf,
  isHourOver,
  makeUploadId,
  uploadId,
  uploadKey,
  uploadUrl,
} from '../../core/upload.ts'

const random = '0123456789abcdef0123456789abcdef'
const stored = new Date('2026-03-01T12:34:56Z')
const id = makeUploadId(stored, random)

test('an upload is named by its hour and at random, and found again in its address', () => {
  expect(id).toBe(`2026030112-${random}`)
  expect(uploadUrl(id)).toBe(`/api/upload?id=${id}`)
  expect(uploadId(uploadUrl(id))).toBe(id)
  expect(uploadKey('ada', id)).toBe(`uploads/2026030112/ada/${random}`)
})

test.each([
  'https://images.test/a.png',
  `https://elsewhere.test/api/upload?id=${id}`,
  '/api/upload?id=',
  `/api/upload?id=${id}&more=1`,
  `/api/upload?id=../${id}`,
  `/api/upload?id=2026030112-${random.toUpperCase()}`,
  `/api/uploads?id=${id}`,
  id,
])('%s is no address of an upload', (url) => {
  expect(uploadId(url)).toBeUndefined()
})

test('an hour is over when its last upload is a day old', () => {
  const hour = hourOf(stored)
  expect(isHourOver(hour, new Date('2026-03-02T12:59:59Z'))).toBe(false)
  expect(isHourOver(hour, new Date('2026-03-02T13:00:00Z'))).toBe(true)
  expect(isHourOver(hour, new Date('2027-01-01T00:00:00Z'))).toBe(true)
})

test('a task’s copies tell the uploads that they were made of, wherever its row names them; others’ tell nothing', () => {
  const task = '019a0000-0000-7000-8000-000000000001'
  const other = makeUploadId(stored, random.replace('0', 'f'))
  const copy = (owner: string, folder = '', of = id) => `file:inputs/${owner}/${folder}${copyName(1, of)}`
  const input = { person_image: copy(task), garments: [{ image: copy(task) }, { image: `file:inputs/${task}/2` }] }
  const steps = [{ change: { garment: copy(task, `${task}/`, other) } }]
  expect(copiedUploads(task, [input, steps])).toEqual([id, other])
  expect(copiedUploads(task, { prompt: `see ${copy(task)}`, image: copy(task.replace('1', '2')) })).toEqual([])
})
