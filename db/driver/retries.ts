// Statements that are sent again after a failure: the one place that does it, around either driver. What was certainly not executed
// is repeated for everybody; what may have been, only where the statement itself says that it may run twice: `repeatable`.
import { setTimeout as sleep } from 'node:timers/promises'
import type { CompiledQuery, DatabaseConnection, Dialect, Driver, KyselyPlugin, QueryResult } from 'kysely'
import type { Db } from '../statements/sql.ts'
import { DatabaseError } from './errors.ts'

/** Before each repetition. A suspended database is awake within a second or two, and usually lets its first statement wait meanwhile. */
const waitsMs = [100, 400, 1_500]
/** Nothing is sent again after this long: with the last statement's own deadline, callers still answer in time. */
const patienceMs = 12_000

const marked = new WeakSet<object>()

const marker: KyselyPlugin = {
  transformQuery: ({ node, queryId }) => {
    marked.add(queryId)
    return node
  },
  transformResult: async ({ result }) => result,
}

/**
 * `.execute(repeatable(db))` says of a statement: run twice, or while its first run is still under way, it leaves the same rows behind as
 * run once. Reads do; so does a write whose WHERE the first run has made false. Its second answer then says that nothing moved: what
 * would have been begun at once for it waits for the next pass.
 */
export function repeatable(db: Db): Db {
  const known = repeating.get(db)
  if (known) return known
  const marking = db.withPlugin(marker)
  repeating.set(db, marking)
  return marking
}

const repeating = new WeakMap<Db, Db>()

export interface Patience {
  /** Hears of every failure that is followed by a repetition. */
  onRepeat?: ((error: DatabaseError) => void) | undefined
  /** In milliseconds; where time isn't simulated, it passes by itself. */
  wait?: (ms: number) => Promise<void>
}

const noTransactions = async () => {
  throw new Error('There are no transactions: each transition is one statement.')
}

/** The dialect with a patient driver. */
export const retrying = (dialect: Dialect, patience: Patience): Dialect => ({
  createAdapter: () => dialect.createAdapter(),
  createDriver: () => retryingDriver(dialect.createDriver(), patience),
  createIntrospector: (db) => dialect.createIntrospector(db),
  createQueryCompiler: () => dialect.createQueryCompiler(),
})

/** Each try takes a connection of the driver's own. */
function retryingDriver(driver: Driver, patience: Patience): Driver {
  // One for all statements: Kysely remembers each that it has seen.
  const connection: DatabaseConnection = {
    executeQuery: (query) => sendPatiently(driver, query, patience),
    streamQuery: () => {
      throw new Error("Answers aren't streamed: Neon's driver can't.")
    },
  }
  return {
    init: (options) => driver.init(options),
    destroy: (options) => driver.destroy(options),
    acquireConnection: async () => connection,
    releaseConnection: async () => undefined,
    beginTransaction: noTransactions,
    commitTransaction: noTransactions,
    rollbackTransaction: noTransactions,
  }
}

const sendPatiently = <R>(driver: Driver, query: CompiledQuery, patience: Patience): Promise<QueryResult<R>> =>
  patiently(() => sendOnce<R>(driver, query), { isRepeatable: marked.has(query.queryId), ...patience })

interface PatienceOptions extends Patience {
  /** Whether the work may be done twice. */
  isRepeatable?: boolean
}

/** Again and again, while it is allowed and the failure may pass. */
export async function patiently<T>(
  work: () => Promise<T>,
  { isRepeatable = false, onRepeat, wait = sleep }: PatienceOptions = {},
): Promise<T> {
  const started = performance.now()
  for (let tries = 0; ; tries += 1) {
    try {
      return await work()
    } catch (error) {
      const waitMs = waitsMs[tries]
      const isLate = performance.now() - started > patienceMs
      if (waitMs === undefined || isLate || !mayRepeat(error, isRepeatable)) throw error
      onRepeat?.(error)
      await wait(waitMs)
    }
  }
}

function mayRepeat(error: unknown, isRepeatable: boolean): error is DatabaseError {
  if (!(error instanceof DatabaseError)) return false
  // A refusal stays one.
  if (error.wasNeverSent) return error.kind !== 'refused'
  // The victim of a deadlock: Postgres has undone it, and let the other one through.
  if (error.kind === 'conflict') return true
  return isRepeatable && error.kind === 'lost' && !error.isTooLarge
}

async function sendOnce<R>(driver: Driver, query: CompiledQuery): Promise<QueryResult<R>> {
  const connection = await driver.acquireConnection()
  try {
    return await connection.executeQuery<R>(query)
  } finally {
    await driver.releaseConnection(connection)
  }
}
