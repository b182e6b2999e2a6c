// The database: whether it answers, by whose clock, and whether its tables are those of this version.
import type { Config } from '../../core/config.ts'
import { connect } from '../../db/driver/connect.ts'
import { DatabaseError, type FailureKind } from '../../db/driver/errors.ts'
import { readApplied, readServer, type Server } from '../../db/driver/server.ts'
import { listMigrations } from '../../db/migrate.ts'
import { type Check, fail, ok, unchecked, warn } from './findings.ts'

export interface Asked extends Server {
  driver: string
  tookMs: number
  /** Its clock less this machine's. */
  aheadMs: number
  applied: string[]
}

const timeoutMs = 8_000

export async function askServer(config: Config): Promise<Asked> {
  const { db, driver, close } = connect(config.DATABASE_URL ?? '', { driver: config.DATABASE_DRIVER, timeoutMs })
  try {
    // The first statement may have to wake it up; only the second one is timed.
    await readServer(db)
    const asked = Date.now()
    const server = await readServer(db)
    const tookMs = Date.now() - asked
    return {
      ...server,
      driver,
      tookMs,
      aheadMs: server.now.getTime() - (asked + tookMs / 2),
      applied: await readApplied(db),
    }
  } finally {
    await close()
  }
}

const advice: Partial<Record<FailureKind, string>> = {
  unreachable: 'Check the host and port in DATABASE_URL, and whether this machine may reach them.',
  refused: 'Check user, password and database in DATABASE_URL.',
  waking: "Try again in a minute; if it stays so, look at the database's own console.",
  busy: 'Too many are connected: use the pooled address, or wait.',
}

/** Before it was asked who we are: a pooler's or Neon's words, or what TLS makes of the address. */
const beforehand =
  "Change DATABASE_URL as these words say, or the server; at Neon, look at the endpoint's state and the project's quota."

const adviceOn = ({ code, kind }: DatabaseError) =>
  code === '08004' ? beforehand : (advice[kind] ?? "Look at the database's own log.")

export const checkDatabase: Check = [
  'database',
  async ({ config, server }) => {
    if (!config.DATABASE_URL) return unchecked('DATABASE_URL')
    try {
      const { version, driver, tookMs } = await server()
      return ok(`PostgreSQL ${version} answers over ${driver} in ${tookMs} ms`)
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      return fail(error.message, adviceOn(error))
    }
  },
]

export const checkSchema: Check = [
  'schema',
  async ({ config, server }) => {
    if (!config.DATABASE_URL) return unchecked('DATABASE_URL')
    const applied = await server().then(
      (asked) => asked.applied,
      () => undefined,
    )
    if (!applied) return { state: 'warn', says: 'not checked, because the database does not answer' }
    const known = await listMigrations()
    const missing = known.filter((name) => !applied.includes(name))
    const unknown = applied.filter((name) => !known.includes(name))
    if (applied.length === 0) return fail('the database has no tables yet', 'npm run migrate')
    if (missing.length > 0) return fail(`not applied yet: ${missing.join(', ')}`, 'npm run migrate')
    if (unknown.length > 0) {
      return warn(
        `the database is newer than this checkout: ${unknown.join(', ')}`,
        'Look with the version that is deployed.',
      )
    }
    return ok(`up to date: ${applied.at(-1)}`)
  },
]
