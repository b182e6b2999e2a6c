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

const hour = 3_600_000

test('a turn comes when nothing was noted for as long, and is taken by one in a process', async () => {
  const { clock, instants, other } = setUp()
  const turns = await Promise.all([1, 2, 3].map(() => instants.takeTurn('sweep', hour)))
  expect(turns).toEqual([true, false, false])
  // Nobody noted that it was done: the next minute, here or in another process, is to go on with it.
  clock.ms += 60_000
  expect([await instants.takeTurn('sweep', hour), await other.takeTurn('sweep', hour)]).toEqual([true, true])
  await other.note('sweep')
  clock.ms += hour - 1
  expect([await instants.takeTurn('sweep', hour), await other.takeTurn('sweep', hour)]).toEqual([false, false])
  expect(await instants.takeTurn('upload sweep', hour)).toBe(true)
  clock.ms += 1
  expect(await other.takeTurn('sweep', hour)).toBe(true)
})

test('who knows when it was noted asks the store no more until it is time', async () => {
  const { store, clock, instants } = setUp()
  let reads = 0
  const counting = {
    ...store,
    readJson: (key: string) => {
      reads += 1
      return store.readJson(key)
    },
  }
  const fresh = openInstants(counting, () => new Date(clock.ms))
  await instants.note('sweep')
  for (let minute = 0; minute < 60; minute += 1) {
    expect(await fresh.takeTurn('sweep', hour)).toBe(false)
    clock.ms += 59_000
  }
  expect(reads).toBe(1)
})

test('what was noted by a clock that was ahead keeps nothing from happening', async () => {
  const { clock, instants, other } = setUp()
  clock.ms += 5 * hour
  await instants.note('sweep')
  clock.ms -= 5 * hour
  expect([await instants.takeTurn('sweep', hour), await other.takeTurn('sweep', hour)]).toEqual([true, true])
})
