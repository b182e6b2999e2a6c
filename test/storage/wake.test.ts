import { expect, test, vi } from 'vitest'
import { StoreFault } from '../../storage/store.ts'
import { type Awake, openWakeMark } from '../../storage/wake.ts'
import { useStore } from './setup.ts'

const openStore = await useStore()
const minute = 60_000
let stores = 0

/** A mark in a store of its own, with a clock to be moved by hand; `other` is the same mark as a second instance sees it. */
function setUp(options: { graceMs?: number } = {}) {
  stores += 1
  const store = openStore(`wake-${stores}`)
  const clock = { ms: Date.parse('2026-11-20T10:00:00Z') }
  const open = () => openWakeMark(store, { now: () => new Date(clock.ms), ...options })
  return { store, clock, mark: open(), other: open() }
}

async function seenBy(mark: { look(): Promise<Awake | undefined> }): Promise<Awake> {
  const seen = await mark.look()
  if (!seen) throw new Error('asleep')
  return seen
}

test('is awake in a store that was never written to, until a pass has found nothing', async () => {
  const { mark, other } = setUp()
  expect(await mark.lower(await seenBy(mark))).toBe(true)
  expect(await other.look()).toBeUndefined()
})

test('is awake after a raise, and asleep after a later pass has found nothing', async () => {
  const { mark, other, clock } = setUp()
  await other.lower(await seenBy(other))
  await mark.raise()
  clock.ms += 2 * minute
  expect(await other.lower(await seenBy(other))).toBe(true)
  expect(await mark.look()).toBeUndefined()
})

test('cannot be lowered by who looked before the last raise', async () => {
  const { mark, other } = setUp({ graceMs: 0 })
  const early = await seenBy(other)
  await mark.raise()
  expect(await other.lower(early)).toBe(false)
  const late = await seenBy(other)
  await mark.raise()
  expect(await other.lower(late)).toBe(false)
  expect(await mark.look()).toBeDefined()
})

test('cannot be lowered while the task it was raised for may still be on its way', async () => {
  const { mark, clock } = setUp()
  await mark.raise()
  const seen = await seenBy(mark)
  clock.ms += minute
  expect(await mark.lower(seen)).toBe(false)
  expect(await mark.look()).toBeDefined()
  // However late the pass comes to lower it: what counts is when it looked.
  clock.ms += minute
  expect(await mark.lower(seen)).toBe(false)
  expect(await mark.lower(await seenBy(mark))).toBe(true)
})

test('is lowered after a raise by a clock that is hours behind only a grace after a pass has seen it', async () => {
  const { store, mark, clock } = setUp()
  const behind = openWakeMark(store, { now: () => new Date(clock.ms - 3 * 60 * minute) })
  await behind.raise()
  expect(await mark.lower(await seenBy(mark))).toBe(false)
  clock.ms += minute
  expect(await mark.lower(await seenBy(mark))).toBe(false)
  clock.ms += minute
  expect(await mark.lower(await seenBy(mark))).toBe(true)
  expect(await mark.look()).toBeUndefined()
})

test('watches each raise by a clock that is behind by itself', async () => {
  const { store, mark, clock } = setUp()
  const behind = openWakeMark(store, { now: () => new Date(clock.ms - 3 * 60 * minute) })
  await behind.raise()
  await mark.lower(await seenBy(mark))
  clock.ms += 2 * minute
  await behind.raise()
  expect(await mark.lower(await seenBy(mark))).toBe(false)
  clock.ms += 2 * minute
  expect(await mark.lower(await seenBy(mark))).toBe(true)
})

test('does not stay awake for hours after a raise by a clock that is ahead', async () => {
  const { store, mark, clock } = setUp()
  const ahead = openWakeMark(store, { now: () => new Date(clock.ms + 3 * 60 * minute) })
  await ahead.raise()
  expect(await mark.lower(await seenBy(mark))).toBe(false)
  clock.ms += 2 * minute
  expect(await mark.lower(await seenBy(mark))).toBe(true)
})

test('is written once for all raises of a moment, and again after it', async () => {
  const { mark, other, clock } = setUp()
  await Promise.all([mark.raise(), mark.raise()])
  const { id } = await seenBy(other)
  clock.ms += 9_999
  await mark.raise()
  expect((await seenBy(other)).id).toBe(id)
  clock.ms += 1
  await mark.raise()
  expect((await seenBy(other)).id).not.toBe(id)
})

test('is written again when the clock was set back', async () => {
  const { mark, clock } = setUp()
  await mark.raise()
  clock.ms -= 3_600_000
  const seen = await mark.look()
  await mark.raise()
  expect((await mark.look())?.id).not.toBe(seen?.id)
})

test('is raised again at once after a raise that failed', async () => {
  const { store, clock } = setUp()
  let isAway = true
  const writeJson: typeof store.writeJson = async (...record) => {
    if (isAway) throw new Error('the blob store is away')
    return store.writeJson(...record)
  }
  const mark = openWakeMark({ ...store, writeJson }, { now: () => new Date(clock.ms) })
  await expect(Promise.all([mark.raise(), mark.raise()])).rejects.toThrow('away')
  isAway = false
  await mark.raise()
  expect(await mark.look()).toMatchObject({ raisedAt: new Date(clock.ms) })
})

test('a store that says nothing is its fault, which whoever raises is told as a 503, and not ours', async () => {
  const { store } = setUp()
  vi.useFakeTimers()
  // As long as the deployment gives such a record's call, and the moment in which the client was loaded.
  const silent = () => new Promise<never>((_, reject) => setTimeout(() => reject(new StoreFault('no answer')), 4_001))
  const mark = openWakeMark({ ...store, writeJson: silent, readJson: silent }, { now: () => new Date() })
  const raised = expect(mark.raise()).rejects.toBeInstanceOf(StoreFault)
  const looked = mark.look()
  await vi.advanceTimersByTimeAsync(4_001)
  vi.useRealTimers()
  await raised
  expect(await looked).toMatchObject({ id: 'unknown' })
})

test('is awake by itself from the instant on at which something becomes due', async () => {
  const { mark, clock } = setUp()
  const due = new Date(clock.ms + 60 * minute)
  await mark.lower(await seenBy(mark), due)
  clock.ms = due.getTime() - 1
  expect(await mark.look()).toBeUndefined()
  clock.ms = due.getTime()
  expect(await mark.lower(await seenBy(mark))).toBe(true)
  expect(await mark.look()).toBeUndefined()
})

test('stays awake when an older lowering arrives after a newer one', async () => {
  const { mark, other, store } = setUp({ graceMs: 0 })
  const old = await seenBy(mark)
  await mark.raise()
  await other.lower(await seenBy(other))
  await store.writeJson('lowered', { seen: old.id, until: null })
  expect(await mark.look()).toBeDefined()
})

test('takes a record that it does not understand for unknown, and so for awake', async () => {
  const { mark, store } = setUp()
  await mark.lower(await seenBy(mark))
  await store.writeJson('lowered', { until: 'whenever' })
  expect(await mark.look()).toBeDefined()
})

test('is awake after every raise that ran at the same time as a lowering', async () => {
  const { mark, other } = setUp({ graceMs: 0 })
  for (let round = 0; round < 40; round += 1) {
    const seen = await seenBy(other)
    await Promise.all([other.lower(seen), mark.raise(), other.lower(seen)])
    expect(await other.look(), `round ${round}`).toBeDefined()
  }
})
