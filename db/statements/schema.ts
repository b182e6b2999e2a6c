// The tables as Kysely sees them, and how the drivers read their columns. `db/migrations/` is the source of truth; only `db/` imports this.
import type { ColumnType, Generated } from 'kysely'
import type { Task } from '../../core/task.ts'

type Json<T> = ColumnType<T, string, string>

interface TasksTable extends Omit<Task, 'input' | 'steps' | 'strays' | 'provider_urls' | 'output'> {
  input: Json<unknown>
  steps: Json<Task['steps']>
  strays: Json<Task['strays']>
  provider_urls: Json<Task['provider_urls']>
  output: Json<Task['output']>
  lock_key: string | null
  idempotency_key: string | null
  request_hash: string | null
  slot: number | null
}

interface ProvidersTable {
  name: string
  paused_until: Date | null
  paused_for: string | null
  updated_at: Generated<Date>
}

export interface Database {
  tasks: TasksTable
  providers: ProvidersTable
}

type Parser = (text: string) => unknown
interface Types {
  getTypeParser(oid: number, format?: 'text' | 'binary'): unknown
}

const int8 = 20
const date = 1082

/**
 * How both drivers read what their own way doesn't fit. Amounts in millionths of a dollar are numbers: they stay below 2^53 for nine milliards.
 * A day is text: it has no hour, and so is no instant.
 */
export const typesOver = (own: Types) => ({
  getTypeParser: (oid: number, format?: 'text' | 'binary'): Parser => {
    if (oid === int8) return Number
    if (oid === date) return String
    return own.getTypeParser(oid, format) as Parser
  },
})
