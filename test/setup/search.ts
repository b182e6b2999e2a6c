// Looks for bytes everywhere: in every table, and in every file below a folder, names included. Tests of erasing call it.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Db } from '../../db/statements/sql.ts'

/** The tables that have this text somewhere. */
export async function tablesWith(db: Db, text: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'
    order by table_name`.execute(db)
  const found = await Promise.all(
    rows.map(async ({ name }) => {
      const like = `%${text}%`
      const { rows: some } =
        await sql`select from ${sql.ref(name)} as one where one::text like ${like} limit 1`.execute(db)
      return some.length > 0 ? [name] : []
    }),
  )
  return found.flat()
}

/** The files that have one of these bytes in their content, or in their path. */
export async function filesWith(folder: string, needles: readonly Buffer[]): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const found: string[] = []
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    const bytes = entry.isFile() ? await readFile(path) : Buffer.alloc(0)
    if (entry.isFile() && needles.some((needle) => bytes.includes(needle) || Buffer.from(path).includes(needle)))
      found.push(path)
  }
  return found
}
