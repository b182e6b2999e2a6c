// Instances of the functions: each has a clock of its own and remembers what a container remembers, takes one call after the other,
// and dies with a call that is killed.
import pino from 'pino'
import type { Deps } from '../../engine/deps.ts'
import { openProviders } from '../../providers/index.ts'
import { openFiles } from '../../storage/files.ts'
import { openInstants } from '../../storage/instants.ts'
import { openWakeMark, type WakeMark } from '../../storage/wake.ts'
import type { Activity } from './activity.ts'
import { gated, ungated } from './blobs.ts'
import { withKnownCreates } from './creates.ts'
import { openDb, type Row } from './database.ts'
import { openHttp } from './http.ts'
import type { Mutant } from './mutant.ts'
import { recipes } from './recipes.ts'
import { requireCall } from './virtual-time.ts'
import { configOf } from './weather.ts'
import type { World } from './world.ts'

const log = pino({ level: 'silent' })

export interface Instance {
  name: string
  /** Calls that come later than the next deployment don't come to it. */
  deployment: number
  deps: Deps
}

export interface Instances {
  /** A warm one that is free, or a new one. */
  take(): Instance
  /** After its call has ended by itself. */
  giveBack(instance: Instance): void
  create(): Instance
  /** From now on calls come to new ones. */
  replaceAll(): void
}

type Parts = Pick<
  World,
  'random' | 'weather' | 'scheduler' | 'providers' | 'blobs' | 'openStore' | 'witness' | 'pool' | 'trouble' | 'receiver'
>

export function openInstances(
  { random, weather, scheduler, providers, blobs, openStore, witness, pool, trouble, receiver }: Parts,
  mutant: Mutant | undefined,
  markRaised: (isUncertain: boolean) => void,
): Instances {
  let warm: Instance[] = []
  let deployment = 1
  const newId = countedUuid()
  const http = openHttp(scheduler, { providers, weather, missing: witness.missing, receiver })
  const seam = {
    ...{ pool, trouble, shakes: weather.shakes, losesChecks: weather.flickers, isNarrow: weather.isNarrow },
    witness: {
      ...witness,
      took: async (statement: string, parameters: readonly unknown[], rows: readonly Row[]) => {
        await witness.took(statement, parameters, rows)
        await receiver.took(statement, rows)
      },
    },
    rewrite: (statement: string, call: string) => mutant?.rewrite?.(statement, call) ?? statement,
    resends: (statement: string) => mutant?.resends?.(statement) ?? false,
  }
  const trueMark = openWakeMark(openStore(ungated, blobs, 'wake'), { now: scheduler.now })
  const raised = async (isUncertain: boolean) => {
    markRaised(isUncertain)
    if (isUncertain || (await trueMark.look())) return
    witness.broken.push('slept over: the mark was raised, and is down')
  }
  let count = 0
  const create = (): Instance => {
    count += 1
    const skewMs = weather.skews[count % weather.skews.length] ?? 0
    const clockMs = () => scheduler.nowMs + skewMs - trouble.instancesBackMs
    const now = () => new Date(clockMs())
    const config = configOf(weather, trouble.keyless)
    let firstCall: Activity | undefined
    const tokenOf = () => {
      firstCall ??= requireCall()
      return mutant?.keepsToken ? firstCall : requireCall()
    }
    const store = (name: string) => openStore(gated(scheduler, trouble, tokenOf), blobs, name)
    const deps: Deps = {
      ...{ config, log, http, recipes, newId, now },
      wait: (ms, signal) => scheduler.wait(requireCall(), ms, signal),
      db: openDb(scheduler, clockMs, seam),
      files: openFiles(store('files')),
      wake: openWakeMark(store('wake'), { now }),
      // No promise rests on them, so they need no draw of the scheduler's.
      instants: openInstants(openStore(ungated, blobs, 'instants'), scheduler.now),
      providers: openProviders(config, http),
    }
    const changed = withKnownCreates(mutant?.change?.(deps) ?? deps)
    return { name: `instance ${count}`, deployment, deps: { ...changed, wake: watched(changed.wake, raised) } }
  }
  return {
    create,
    take: () => warm.splice(random.between(0, warm.length - 1), 1)[0] ?? create(),
    giveBack: (instance) => {
      if (instance.deployment === deployment) warm.push(instance)
    },
    replaceAll: () => {
      deployment += 1
      warm = []
    },
  }
}

/** Where a mark could not be raised, news are written all the same. */
function watched(wake: WakeMark, raised: (isUncertain: boolean) => Promise<void>): WakeMark {
  const raise = async () => {
    // It may be another call's operation that this one waits for: those of one instance share a raise that is under way.
    const call = requireCall()
    call.pending += 1
    try {
      await wake.raise()
    } catch (error) {
      await raised(true)
      throw error
    } finally {
      call.pending -= 1
    }
    await raised(false)
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
