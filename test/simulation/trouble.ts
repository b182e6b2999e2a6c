// What is wrong with the deployment for a while: its blob store refuses, hangs or forgets, a provider's key is gone, clocks are set back. The
// storm begins and ends each; in the calm all is mended, but for a key that is gone for good.
import type { Scheduler } from './scheduler.ts'
import { faultsOn, type Weather } from './weather.ts'
import type { World } from './world.ts'

export interface Trouble {
  /** A store that refuses answers 401; one that hangs doesn't answer; one that forgets finds half of what it holds. */
  store: 'well' | 'refuses' | 'hangs' | 'forgets'
  /** The provider whose key this deployment doesn't have. */
  keyless: 'replicate' | 'fal' | undefined
  /** By how much all instances' clocks have been set back, and the database's. */
  instancesBackMs: number
  databaseBackMs: number
  /** The furthest that the database's clock has been back: durations by its clock are off by as much. */
  mostBackMs: number
}

export const noTrouble = (): Trouble => ({
  ...{ store: 'well', keyless: undefined },
  ...{ instancesBackMs: 0, databaseBackMs: 0, mostBackMs: 0 },
})

/** A correction by a time server, a machine that slept, a wrong time zone. */
const backMs = [0, 30_000, 600_000, 10_800_000]

/** One thing goes wrong, or is mended. */
export function changeTrouble({ random, weather, trouble, scheduler, redeploy }: World): void {
  const kinds = { store: weather.storeFails ? 2 : 0, key: keyOf(weather) ? 1 : 0, clocks: weather.clocksGoBack ? 1 : 0 }
  const kind = random.weighted(kinds)
  if (kind === 'store') trouble.store = random.weighted({ well: 3, refuses: 2, hangs: 1, forgets: 2 })
  if (kind === 'key') {
    trouble.keyless = trouble.keyless ? undefined : keyOf(weather)
    redeploy()
  }
  if (kind === 'clocks') {
    trouble.instancesBackMs = random.pick(backMs)
    if (faultsOn.databaseClock) trouble.databaseBackMs = random.pick(backMs)
    trouble.mostBackMs = Math.max(trouble.mostBackMs, trouble.databaseBackMs)
  }
  scheduler.note(`--- ${describe(trouble)} ---`)
}

export const isTroubled = (weather: Weather): boolean =>
  weather.storeFails || weather.clocksGoBack || keyOf(weather) !== undefined

export function endTroubles({ weather, trouble, redeploy }: Pick<World, 'weather' | 'trouble' | 'redeploy'>): void {
  const isForGood = weather.keys === 'gone for good'
  Object.assign(trouble, { store: 'well', instancesBackMs: 0, databaseBackMs: 0 })
  trouble.keyless = isForGood ? keyOf(weather) : undefined
  redeploy()
}

const keyOf = ({ keys, keyProvider }: Weather) => (keys === 'kept' ? undefined : keyProvider)

/** The database's. The providers' is right. */
export const databaseNow = ({ nowMs }: Scheduler, { databaseBackMs }: Trouble): number => nowMs - databaseBackMs

function describe({ store, keyless, instancesBackMs, databaseBackMs }: Trouble): string {
  const back = `clocks are back by ${instancesBackMs / 1000} s, the database's by ${databaseBackMs / 1000} s`
  return `the blob store ${store === 'well' ? 'is well' : store}, ${keyless ?? 'no'} key is gone, ${back}`
}
