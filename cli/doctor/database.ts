// The database: whether it answers, by whose clock, and whether its tables are those of this version.
import type { Config } from '../../core/config.ts'
import { connect } from '../../db/driver/connect.ts'
import { DatabaseError } from '../../db/driver/errors.ts'
import { readApplied, readServer, type Server } from '../../db/driver/server.ts'
import { adviceOn, differenceOf } from '../database.ts'
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
    const difference = await differenceOf(applied)
    if (difference) return (difference.isNewer ? warn : fail)(difference.says, difference.todo)
    return ok(`up to date: ${applied.at(-1)}`)
  },
]
