import { expect, test } from 'vitest'
import { findDropped } from './bundle.ts'

const folder = (path: string) => new URL(path, import.meta.url)

test('Netlify sees path, method, schedule and rate limit of every door', async () => {
  expect(await findDropped(folder('../../netlify/functions/'))).toEqual([])
})

test('finds nothing to say against doors with literals', async () => {
  expect(await findDropped(folder('fixtures/good/'))).toEqual([])
})

test('names each door of whose config something is dropped, and what', async () => {
  const advice = 'write it as a plain literal, typed `: Config`.'
  expect(await findDropped(folder('fixtures/dropped/'))).toEqual([
    `Door as-const declares path ["/api/as-const"], but Netlify sees []: ${advice}`,
    `Door as-const declares method ["GET"], but Netlify sees []: ${advice}`,
    `Door identifier declares method ["POST"], but Netlify sees []: ${advice}`,
    `Door identifier declares rateLimit [30,60,["domain"]], but Netlify sees null: ${advice}`,
    `Door template declares path ["/api/template"], but Netlify sees []: ${advice}`,
  ])
})
