// What the tables and each of their indexes take on disk.
import { sql } from 'kysely'
import type { Db } from '../../db/statements/sql.ts'

export interface Size {
  name: string
  bytes: number
}

export async function readSizes(db: Db): Promise<Size[]> {
  const { rows } = await sql<Size>`
    select relname as name, pg_relation_size(oid)::float8 as bytes from pg_class
    where relname in ('tasks', 'task_events') or oid in (
      select indexrelid from pg_index where indrelid in ('tasks'::regclass, 'task_events'::regclass))
    order by 2 desc`.execute(db)
  return rows
}
