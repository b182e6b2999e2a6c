// Reads of many rows where the way from Postgres takes answers of a certain size (Neon's takes 10 MiB): what doesn't fit comes in pages.
import { DatabaseError } from '../driver/errors.ts'

/** One page of a read: at most so many rows, of those behind this one. */
interface Page<Row> {
  limit: number
  after: Row | undefined
}

/** At most `limit` rows, in one page wherever they fit: an answer that is too large is asked for again in halves. */
export async function inPages<Row>(limit: number, read: (page: Page<Row>) => Promise<Row[]>): Promise<Row[]> {
  const rows: Row[] = []
  for (let most = limit; rows.length < limit; ) {
    const asked = Math.min(most, limit - rows.length)
    try {
      const page = await read({ limit: asked, after: rows.at(-1) })
      rows.push(...page)
      if (page.length < asked) break
    } catch (error) {
      if (!(error instanceof DatabaseError && error.isTooLarge) || asked === 1) throw error
      most = Math.ceil(asked / 2)
    }
  }
  return rows
}
