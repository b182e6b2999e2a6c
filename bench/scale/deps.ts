// The endpoints' dependencies in this process, on a clock and a blob store that cost nothing: what is timed then is the database's work and
// ours. Looks are answered at once: one prediction in 25 has failed, the others run.
import pino from 'pino'
import { v7 } from 'uuid'
import type { Provider } from '../../core/provider.ts'
import type { Db } from '../../db/statements/sql.ts'
import type { Deps } from '../../engine/deps.ts'
import { parseConfig } from '../../providers/config.ts'
import { openHttp } from '../../providers/http.ts'
import { openRecipes } from '../../recipes/index.ts'
import { openFiles } from '../../storage/files.ts'
import { openInstants } from '../../storage/instants.ts'
import type { BlobStore } from '../../storage/store.ts'
import { openWakeMark } from '../../storage/wake.ts'

export const cronSecret = 'cron-secret-of-a-bench'

export function openBenchDeps(db: Db, now: () => Date): Deps {
  const config = parseConfig({
    ...{ CRON_SECRET: cronSecret, SESSION_SECRET: 'session-secret-of-a-bench-32-bytes' },
    ...{ BUDGET_PER_DAY: 'off', BUDGET_PER_USER_PER_DAY: 'off' },
  })
  return {
    ...{ config, db, now, newId: v7 },
    files: openFiles(openStore()),
    wake: openWakeMark(openStore(), { now }),
    instants: openInstants(openStore(), now),
    http: openHttp({ connections: 1 }),
    providers: new Map([['replicate', quickProvider()]]),
    recipes: openRecipes({ hosts: [], allowPrivate: true }),
    log: pino({ level: 'silent' }),
  }
}

const failsOneIn = 25

function quickProvider(): Provider {
  let looks = 0
  return {
    name: 'replicate',
    submit: async () => ({ kind: 'created', prediction_id: v7(), urls: {} }),
    check: async () => {
      looks += 1
      if (looks % failsOneIn > 0) return { kind: 'running' }
      return { kind: 'failed', code: 'provider_failed', reason: 'The model ran out of memory.' }
    },
    cancel: async () => ({ kind: 'over' }),
    search: async () => ({ kind: 'none' }),
    readWebhook: async () => Promise.reject(new Error('no webhook comes in a bench')),
  }
}

/** As much of a store as marks, instants and a sweep that finds no file need. */
function openStore(): BlobStore {
  const records = new Map<string, string>()
  const store = {
    writeJson: async (key: string, value: unknown) => void records.set(key, JSON.stringify(value)),
    readJson: async (key: string) => JSON.parse(records.get(key) ?? 'null') as unknown,
    list: async function* () {
      yield { blobs: [], directories: [] }
    },
  }
  return store as unknown as BlobStore
}
