// Instances of the functions: each has a clock of its own and remembers what a container remembers, takes one call after the other,
// and dies with a call that is killed.
import pino from 'pino'
import type { Deps } from '../../engine/deps.ts'
import { openProviders } from '../../providers/index.ts'
import { openRecipes } from '../../recipes/index.ts'
import { openFiles } from '../../storage/files.ts'
import { openInstants } from '../../storage/instants.ts'
import { openWakeMark, type WakeMark } from '../../storage/wake.ts'
import { gated, openStore, ungated } from './blobs.ts'
import { openDb } from './database.ts'
import { openHttp } from './http.ts'
import type { Mutant } from './mutant.ts'
import { requireCall } from './virtual-time.ts'
import { configOf } from './weather.ts'
import type { World } from './world.ts'

const recipes = openRecipes({ hosts: [], allowPrivate: false })
const log = pino({ level: 'silent' })

export interface Instance {
  name: string
  deps: Deps
}

export interface Instances {
  /** A warm one that is free, or a new one. */
  take(): Instance
  /** After its call has ended by itself. */
  giveBack(instance: Instance): void
  create(): Instance
}

type Parts = Pick<World, 'random' | 'weather' | 'scheduler' | 'providers' | 'blobs' | 'witness' | 'pool'>

export function openInstances(
  { random, weather, scheduler, providers, blobs, witness, pool }: Parts,
  mutant: Mutant | undefined,
  markRaised: (isUncertain: boolean) => void,
): Instances {
  const warm: Instance[] = []
  const config = configOf(weather)
  const newId = countedUuid()
  const http = openHttp(scheduler, { providers, weather, missing: witness.missing })
  const store = (name: string) => openStore(gated(scheduler), blobs, name)
  const seam = {
    ...{ pool, witness, shakes: weather.shakes },
    rewrite: (statement: string, call: string) => mutant?.rewrite?.(statement, call) ?? statement,
    resends: (statement: string) => mutant?.resends?.(statement) ?? false,
  }
  let count = 0
  const create = (): Instance => {
    count += 1
    const skewMs = weather.skews[count % weather.skews.length] ?? 0
    const now = () => new Date(scheduler.nowMs + skewMs)
    const deps: Deps = {
      ...{ config, log, http, recipes, newId, now },
      wait: (ms, signal) => scheduler.wait(requireCall(), ms, signal),
      db: openDb(scheduler, skewMs, seam),
      files: openFiles(store('files')),
      wake: watched(openWakeMark(store('wake'), { now }), markRaised),
      // No promise rests on them, so they need no draw of the scheduler's.
      instants: openInstants(openStore(ungated, blobs, 'instants'), scheduler.now),
      providers: openProviders(config, http),
    }
    return { name: `instance ${count}`, deps: mutant?.change?.(deps) ?? deps }
  }
  return {
    create,
    take: () => warm.splice(random.between(0, warm.length - 1), 1)[0] ?? create(),
    giveBack: (instance) => void warm.push(instance),
  }
}

/** Where a mark could not be raised, news are written all the same. */
function watched(wake: WakeMark, markRaised: (isUncertain: boolean) => void): WakeMark {
  const raise = async () => {
    try {
      await wake.raise()
      markRaised(false)
    } catch (error) {
      markRaised(true)
      throw error
    }
  }
  return { ...wake, raise }
}

/** Sorts by creation, as UUIDv7 does. */
function countedUuid(): () => string {
  let count = 0
  return () => {
    count += 1
    return `01900000-0000-7000-8000-${count.toString(16).padStart(12, '0')}`
  }
}
