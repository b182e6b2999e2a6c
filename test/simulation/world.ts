// One simulated deployment: its weather, the providers, the blob store, the clock, and function calls that come and die.
import type { Pool } from 'pg'
import type { Endpoint } from '../../engine/deps.ts'
import { enter } from '../../functions/http/answer.ts'
import type { Activity } from './activity.ts'
import { type Blobs, type OpenSimulated, openFolder, openWhole } from './blobs.ts'
import { type Instance, openInstances } from './instances.ts'
import type { Mutant } from './mutant.ts'
import { type Delivery, openProviders, type Providers } from './providers.ts'
import { type Random, seeded } from './random.ts'
import { openReceiver, type Receiver } from './receiver.ts'
import { Scheduler } from './scheduler.ts'
import { openTrouble, type Trouble } from './trouble.ts'
import { describeWeather, drawWeather, type Weather } from './weather.ts'
import { openWitness, type Witness } from './witness.ts'

export interface World {
  random: Random
  weather: Weather
  scheduler: Scheduler
  providers: Providers
  blobs: Blobs
  openStore: OpenSimulated
  witness: Witness
  pool: Pool
  trouble: Trouble
  receiver: Receiver
  /** A new deployment, with the keys that there are now. */
  redeploy(): void
  /** Tasks that somebody asked to delete, and whether they were told that it is so. */
  erased: Map<string, 'asked' | 'gone'>
  /** Webhooks that were heard: they may come again. */
  reports: Set<Delivery>
  /** When the faults stopped, by the virtual clock. */
  calmSince: number
  /** The newest raise of the wake mark failed: until the next one, passes may sleep over what it was for. */
  isMarkUncertain: boolean
  /** Starts a function call; `heard` gets the answer unless the call is killed before. */
  call(
    name: string,
    endpoint: Endpoint,
    request: Request,
    heard?: (response: Response) => Promise<void>,
  ): Promise<Activity>
  /** One that no call runs on. */
  outside: Instance
}

export interface Setting {
  mutant?: Mutant | undefined
  /** On the folder store, whose writes take two steps, instead of one whose writes take one. */
  isOnFolder?: boolean
}

export function openWorld(seed: number, pool: Pool, { mutant, isOnFolder = false }: Setting = {}): World {
  const random = seeded(seed)
  const weather = drawWeather(random, seeded(seed + 1_000_000))
  const scheduler = new Scheduler(random)
  const providers = openProviders(weather, scheduler.now)
  const blobs: Blobs = new Map()
  const openStore = isOnFolder ? openFolder : openWhole
  const trouble = openTrouble(weather)
  const witness = openWitness({ pool, scheduler, blobs, weather, trouble })
  const receiver = openReceiver({ pool, scheduler, weather, broken: witness.broken })
  const parts = { random, weather, scheduler, providers, blobs, openStore, witness, pool, trouble, receiver }
  const instances = openInstances(parts, mutant, (isUncertain) => {
    world.isMarkUncertain = isUncertain
  })
  const world: World = {
    ...parts,
    erased: new Map(),
    reports: new Set(),
    calmSince: Number.POSITIVE_INFINITY,
    isMarkUncertain: false,
    redeploy: instances.replaceAll,
    outside: instances.create(),
    call: (name, endpoint, request, heard) => {
      const instance = instances.take()
      return scheduler.begin(`${name} on ${instance.name}`, async () => {
        const after: Promise<unknown>[] = []
        const response = await enter(endpoint, request, instance.deps, { waitUntil: (work) => void after.push(work) })
        await heard?.(response)
        await Promise.all(after)
        instances.giveBack(instance)
      })
    },
  }
  scheduler.note(describeWeather(weather))
  return world
}
