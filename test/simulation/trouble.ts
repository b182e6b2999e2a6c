// What is wrong with the deployment for a while: its blob store refuses, hangs or forgets, a provider's key is gone, clocks are set back. The
// storm begins and ends each; in the calm all is mended, but for a key that is gone for good.
import { sendPing } from './pings.ts'
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

/** A wrong time zone. */
export const hoursMs = 10_800_000
/** A machine that slept: longer than a claim and its grace together. */
const minutesMs = 600_000
/** … a correction by a time server. */
const backMs = [0, 30_000, minutesMs, hoursMs]

export function openTrouble({ beginsBehind, jumpsAhead }: Weather): Trouble {
  const databaseBackMs = jumpsAhead ? minutesMs : 0
  const instancesBackMs = beginsBehind ? hoursMs : 0
  return { store: 'well', keyless: undefined, instancesBackMs, databaseBackMs, mostBackMs: databaseBackMs }
}

/** One thing goes wrong, or is mended. */
export function changeTrouble({ random, weather, trouble, scheduler, redeploy }: World): void {
  const kinds = { store: weather.storeFails ? 2 : 0, key: keyOf(weather) ? 1 : 0, clocks: haveClocks(weather) ? 1 : 0 }
  const kind = random.weighted(kinds)
  if (kind === 'store') trouble.store = random.weighted({ well: 3, refuses: 2, hangs: 1, forgets: 2 })
  if (kind === 'key') {
    trouble.keyless = trouble.keyless ? undefined : keyOf(weather)
    redeploy()
  }
  if (kind === 'clocks') {
    if (weather.beginsBehind) trouble.instancesBackMs = hoursMs
    else if (weather.clocksGoBack) trouble.instancesBackMs = random.pick(backMs)
    if (faultsOn.databaseClock && weather.clocksGoBack) trouble.databaseBackMs = random.pick(backMs)
    if (weather.jumpsAhead) trouble.databaseBackMs = minutesMs
    trouble.mostBackMs = Math.max(trouble.mostBackMs, trouble.databaseBackMs)
  }
  scheduler.note(`--- ${describe(trouble)} ---`)
}

/** Whoever is about to write a task has noted its start hours ago, by their clock. */
export const isStartedBehind = ({ scheduler, trouble }: World): boolean =>
  trouble.instancesBackMs === hoursMs && scheduler.isUnderWay('statement asked_ended+started')

/** The clocks are right again, and somebody sweeps before whoever starts has come to an end. */
export async function sweepInHaste(world: World): Promise<void> {
  world.trouble.instancesBackMs = 0
  await pingInHaste(world, 'recover')
}

/** A claimed attempt is about to be sent, and the database's clock is back. */
export const isSentBehind = ({ weather, scheduler, trouble }: World): boolean =>
  weather.jumpsAhead && trouble.databaseBackMs > 0 && scheduler.isUnderWay('POST /v1/')

/** It comes right: by it, claims are over at once. Somebody looks before whoever sends has come to an end. */
export async function lookInHaste(world: World): Promise<void> {
  world.trouble.databaseBackMs = 0
  await pingInHaste(world, world.random.pick(['worker', 'recover'] as const))
}

async function pingInHaste(world: World, name: 'worker' | 'recover'): Promise<void> {
  world.scheduler.note(`--- ${describe(world.trouble)} ---`)
  world.scheduler.hurry(await sendPing(world, name))
}

const haveClocks = ({ clocksGoBack, beginsBehind, jumpsAhead }: Weather) => clocksGoBack || beginsBehind || jumpsAhead

export const isTroubled = (weather: Weather): boolean =>
  weather.storeFails || haveClocks(weather) || keyOf(weather) !== undefined

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
