// What to do about a database that doesn't do what was asked of it, and whether its tables are those of this version. The doctor asks, and
// every command that meets such a database.
import { DatabaseError, type FailureKind } from '../db/driver/errors.ts'
import { readApplied } from '../db/driver/server.ts'
import type { Db } from '../db/statements/sql.ts'

const advice: Partial<Record<FailureKind, string>> = {
  unreachable: 'Check the host and port in DATABASE_URL, and whether this machine may reach them.',
  refused: 'Check user, password and database in DATABASE_URL.',
  waking: "Try again in a minute; if it stays so, look at the database's own console.",
  busy: 'Too many are connected: use the pooled address, or wait.',
}

/** Before it was asked who we are: a pooler's or Neon's words, or what TLS makes of the address. */
const beforehand =
  "Change DATABASE_URL as these words say, or the server; at Neon, look at the endpoint's state and the project's quota."

export const adviceOn = ({ code, kind }: DatabaseError): string =>
  code === '08004' ? beforehand : (advice[kind] ?? "Look at the database's own log.")

interface Difference {
  says: string
  todo: string
  /** Nothing is wrong with the database itself. */
  isNewer: boolean
}

/** Undefined where the tables are those of this version. */
export async function differenceOf(applied: readonly string[]): Promise<Difference | undefined> {
  const { listMigrations } = await import('../db/migrate.ts')
  const known = await listMigrations()
  const missing = known.filter((name) => !applied.includes(name))
  const unknown = applied.filter((name) => !known.includes(name))
  const todo = 'npm run migrate'
  if (applied.length === 0) return { says: 'the database has no tables yet', todo, isNewer: false }
  if (missing.length > 0) return { says: `not applied yet: ${missing.join(', ')}`, todo, isNewer: false }
  if (unknown.length === 0) return undefined
  const says = `the database is newer than this checkout: ${unknown.join(', ')}`
  return { says, todo: 'Look with the version that is deployed.', isNewer: true }
}

/** A table, a column or a function that isn't there. */
const absent = ['42P01', '42703', '42883']

/** What a command's work throws; of tables of another version, which they are and what to do. */
export async function withTables<T>(db: Db, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof DatabaseError) || !absent.includes(error.code)) throw error
    const difference = await differenceOf(await readApplied(db))
    if (!difference) throw error
    throw new Error(`${difference.says} → ${difference.todo}`, { cause: error })
  }
}
