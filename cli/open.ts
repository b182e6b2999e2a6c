// What a command works on: the database alone, or a whole deployment as the functions open it. All of it is closed afterwards.
import pino from 'pino'
import type { Config } from '../core/config.ts'
import { connect } from '../db/driver/connect.ts'
import type { Deps, EndpointContext } from '../engine/deps.ts'
import { openLog } from '../engine/log.ts'
import { parseConfig } from '../providers/config.ts'
import { openHttp } from '../providers/http.ts'
import { openProviders, ownHosts } from '../providers/index.ts'
import { openInstants } from '../storage/instants.ts'
import { openStoreOf } from '../storage/open.ts'
import { openWakeMark } from '../storage/wake.ts'
import { withTables } from './database.ts'

export type Opened = Pick<Deps, 'db' | 'config' | 'providers' | 'instants' | 'log'>

// Standard output is for the answer.
const standardError = pino.destination({ fd: 2, sync: true })

export async function withDatabase<T>(work: (opened: Opened) => Promise<T>): Promise<T> {
  const config = parseConfig(process.env)
  if (!config.DATABASE_URL) throw new Error('DATABASE_URL is not set (nor NETLIFY_DB_URL, nor NETLIFY_DATABASE_URL).')
  const { db, close } = connect(config.DATABASE_URL, { driver: config.DATABASE_DRIVER })
  const http = openHttp({ connections: config.HTTP_CONCURRENCY, own: ownHosts(config) })
  try {
    const log = openLog({ ...config, LOG_LEVEL: 'error' }, standardError)
    const providers = openProviders(config, http)
    return await withTables(db, () => work({ db, config, log, providers, instants: openKnownInstants(config) }))
  } finally {
    await Promise.all([close(), http.close()])
  }
}

/** Without a blob store, when pings came is not known; all else is. */
function openKnownInstants(config: Config): Deps['instants'] {
  if (isStoreKnown(config)) return openInstants(openStoreOf(config)('instants'), () => new Date())
  return { note: async () => undefined, last: async () => undefined, takeTurn: async () => false }
}

/** For what makes tasks due without a pass of its own; undefined where the store isn't known. */
export const openKnownWake = (config: Config): Deps['wake'] | undefined =>
  isStoreKnown(config) ? openWakeMark(openStoreOf(config)('wake'), { now: () => new Date() }) : undefined

/** Netlify's store is known where its context is; those of the other kinds always. */
export const isStoreKnown = ({ STORAGE }: Pick<Config, 'STORAGE'>): boolean =>
  STORAGE !== 'netlify' || Boolean(process.env['NETLIFY_BLOBS_CONTEXT'])

export async function withDeployment<T>(
  work: (opened: { deps: Deps; context: EndpointContext }) => Promise<T>,
): Promise<T> {
  const { openDeps } = await import('../netlify/runtime.ts')
  const deps = await openDeps(standardError)
  const after: Promise<unknown>[] = []
  try {
    const context = { waitUntil: (promise: Promise<unknown>) => void after.push(promise) }
    const answer = await withTables(deps.db, () => work({ deps, context }))
    await Promise.all(after)
    return answer
  } finally {
    await Promise.all([deps.db.destroy(), deps.http.close()])
  }
}
