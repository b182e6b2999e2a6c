// The tables as Kysely sees them. `db/migrations/` is the source of truth; only `db/` imports this.
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
