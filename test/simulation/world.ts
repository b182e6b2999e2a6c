// One simulated deployment: the provider, the blob store, the clock, and function calls that come and die.

import type { Pool } from 'pg'
import pino from 'pino'
import { parseConfig } from '../../core/config.ts'
import { createReplicate, type Replicate } from '../../dev/simulator/replicate/index.ts'
import type { Deps, Room } from '../../functions/deps.ts'
import { enter } from '../../functions/door.ts'
import { openProviders } from '../../providers/index.ts'
import { openRecipes } from '../../recipes/index.ts'
import { openFiles } from '../../storage/files.ts'
import { openInstants } from '../../storage/instants.ts'
import { openWakeMark } from '../../storage/wake.ts'
import type { Mutant } from './mutants.ts'
import { type Random, seeded } from './random.ts'
import { type Activity, Scheduler } from './scheduler.ts'
import { type Blobs, type DbSeam, gated, openDb, openHttp, openStore, ungated } from './seams.ts'

export const publicUrl = 'https://app.test'
const webhookSecret = 'whsec_c2ltdWxhdGlvbnNpbXVsYXRpb25zaW11bGF0aW9u'
export const cronSecret = 'simulated-cron-secret'

/** Recipes, config and the silent log are the same for every call of every seed. */
const config = parseConfig({
  DATABASE_URL: 'postgres://simulated',
  REPLICATE_API_TOKEN: 'simulated',
  REPLICATE_BASE_URL: 'https://provider.test/v1',
  REPLICATE_WEBHOOK_SECRET: webhookSecret,
  PUBLIC_URL: publicUrl,
  CRON_SECRET: cronSecret,
  SESSION_SECRET: 'simulated-session-secret-of-32-characters',
  PASS_BATCH: '20',
  LOG_LEVEL: 'silent',
})
const recipes = openRecipes({ hosts: [], allowPrivate: false })
const log = pino({ level: 'silent' })

export interface World {
  random: Random
  scheduler: Scheduler
  provider: Replicate
  blobs: Blobs
  webhooks: boolean
  /** A sentence for each moment at which a user had two unfinished tasks of an exclusive recipe. */
  rivals: string[]
  /** Starts a function call; `heard` gets the answer unless the call is killed before. */
  call(name: string, room: Room, request: Request, heard?: (response: Response) => Promise<void>): Promise<Activity>
  /** Dependencies outside any function call's life, for checks after the end. */
  outside(): Deps
}

export function openWorld(seed: number, pool: Pool, mutant?: Mutant): World {
  const random = seeded(seed)
  const scheduler = new Scheduler(random)
  const provider = createReplicate({
    baseUrl: 'https://provider.test',
    webhookSecret,
    now: scheduler.now,
    newId: counted('prediction'),
    secondsPerStep: random.pick([3, 10, 25, 60, 900]),
    drawing: false,
  })
  const blobs: Blobs = new Map()
  const newId = countedUuid()
  const rivals: string[] = []
  const db: DbSeam = {
    pool,
    rewrite: mutant?.rewrite ?? ((statement) => statement),
    watch: (statement) => watchLocks(pool, statement, rivals),
  }
  const open = (activity: Activity): Deps => openDeps({ scheduler, activity, provider, blobs, newId, db, mutant })
  return {
    random,
    scheduler,
    provider,
    blobs,
    rivals,
    webhooks: random.chance(0.7),
    call: (name, room, request, heard) =>
      scheduler.begin(name, async (activity) => {
        const after: Promise<unknown>[] = []
        const response = await enter(room, request, open(activity), { waitUntil: (work) => void after.push(work) })
        await heard?.(response)
        await Promise.all(after)
      }),
    outside: () => open({ name: 'outside', bornAt: 0, pending: 0, state: 'alive' }),
  }
}

interface Parts {
  scheduler: Scheduler
  activity: Activity
  provider: Replicate
  blobs: Blobs
  newId: () => string
  db: DbSeam
  mutant: Mutant | undefined
}

function openDeps({ scheduler, activity, provider, blobs, newId, db, mutant }: Parts): Deps {
  const http = openHttp(scheduler, activity, provider)
  const deps: Deps = {
    config,
    log,
    http,
    recipes,
    newId,
    now: scheduler.now,
    db: openDb(scheduler, activity, db),
    files: openFiles(openStore(gated(scheduler, activity), blobs, 'files')),
    wake: openWakeMark(openStore(gated(scheduler, activity), blobs, 'wake'), { now: scheduler.now }),
    // No promise rests on them, so they need no draw of the scheduler's.
    instants: openInstants(openStore(ungated, blobs, 'instants'), scheduler.now),
    providers: openProviders(config, http),
  }
  return mutant?.change?.(deps) ?? deps
}

/** The only two statements that make a task unfinished: asked of them alone, the question costs next to nothing. */
const takesLock = /insert into tasks |in \('waiting_continue', 'failed'\)/

async function watchLocks(pool: Pool, statement: string, rivals: string[]): Promise<void> {
  if (!takesLock.test(statement)) return
  const { rows } = await pool.query<{ user_id: string }>(
    `select user_id from tasks where recipe = 'memes' and status in ('pending', 'processing', 'waiting_continue')
      group by user_id having count(*) > 1`,
  )
  for (const { user_id } of rows) rivals.push(`one at a time: ${user_id} has two unfinished memes tasks`)
}

function counted(prefix: string): () => string {
  let count = 0
  return () => {
    count += 1
    return `${prefix}${count}`
  }
}

/** Sorts by creation, as UUIDv7 does. */
function countedUuid(): () => string {
  let count = 0
  return () => {
    count += 1
    return `01900000-0000-7000-8000-${count.toString(16).padStart(12, '0')}`
  }
}
