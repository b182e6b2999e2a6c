// A database that loses its answer to one statement: it takes effect, and is sent again where it may be. A test says what happens between
// the two, on the connections of another instance.
import { Kysely, PostgresDialect, type PostgresPool } from 'kysely'
import { DatabaseError } from '../../db/driver/errors.ts'
import { pgPool } from '../../db/driver/pg.ts'
import { retrying } from '../../db/driver/retries.ts'
import type { Database } from '../../db/statements/schema.ts'

export interface LostAnswer {
  /** The first statement that fits loses its answer. */
  fits(text: string): boolean
  /** Runs before it is sent again. */
  meanwhile(): Promise<unknown>
}

export function losingAnswer(url: string, { fits, meanwhile }: LostAnswer): Kysely<Database> {
  const dialect = new PostgresDialect({
    pool: async () =>
      losing(
        pgPool(url, 10_000, () => undefined),
        fits,
      ),
  })
  const wait = async () => {
    await meanwhile()
  }
  return new Kysely<Database>({ dialect: retrying(dialect, { wait }) })
}

function losing(pool: PostgresPool, fits: LostAnswer['fits']): PostgresPool {
  let isLost = false
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      const client = await pool.connect()
      const query = async (text: string, parameters: readonly unknown[]) => {
        const answer = await client.query(text, parameters)
        if (isLost || !fits(text)) return answer
        isLost = true
        throw new DatabaseError('the answer was lost', '08007', undefined, undefined)
      }
      return { query: query as unknown as typeof client.query, release: () => client.release() }
    },
  }
}
