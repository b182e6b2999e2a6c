import { expect, test } from 'vitest'
import { openInstants } from '../../storage/instants.ts'
import { useStore } from './setup.ts'

const openStore = await useStore()
let stores = 0

function setUp() {
  stores += 1
  const store = openStore(`instants-${stores}`)
  const clock = { ms: Date.parse('2026-11-20T10:00:00Z') }
  const open = () => openInstants(store, () => new Date(clock.ms))
  return { store, clock, instants: open(), other: open() }
}

test('what never happened is not known', async () => {
  expect(await setUp().instants.last('worker')).toBeUndefined()
})

test('another process reads when something last happened, each name for itself', async () => {
  const { clock, instants, other } = setUp()
  await instants.note('worker')
  expect(await other.last('worker')).toEqual(new Date(clock.ms))
  expect(await other.last('checker')).toBeUndefined()
})

test('is written once a minute at most, however often it happens', async () => {
  const { clock, instants, other } = setUp()
  const first = new Date(clock.ms)
  await instants.note('worker')
  clock.ms += 59_000
  await instants.note('worker')
  expect(await other.last('worker')).toEqual(first)
  clock.ms += 1_000
  await instants.note('worker')
  expect(await other.last('worker')).toEqual(new Date(clock.ms))
})

test('a record that is not understood counts as none', async () => {
  const { store, instants } = setUp()
  await store.writeJson('tick', { at: 'yesterday' })
  expect(await instants.last('tick')).toBeUndefined()
})
