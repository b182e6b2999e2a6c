// One process per data directory. startPostgres() takes the lock before it touches anything.
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CannotBegin } from '../begin.ts'

// A lock whose handle were garbage-collected would be free.
const held = new Set<DatabaseSync>()

interface Lock {
  release(): void
}

/**
 * SQLite holds its exclusive lock through the operating system, which frees it when the process dies in whatever way.
 * A pid file would outlive a kill -9, and its pid may by then be another process.
 */
export async function takeLock(dataDir: string): Promise<Lock> {
  await mkdir(dirname(dataDir), { recursive: true })
  const file = new DatabaseSync(`${dataDir}.lock`, { timeout: 0 })
  try {
    file.exec('begin exclusive')
  } catch (error) {
    file.close()
    const inUse = `The database in ${dataDir} is in use by another running process. Stop that one first (Ctrl-C), or use another folder.`
    throw isBusy(error) ? new CannotBegin(inUse, { cause: error }) : error
  }
  held.add(file)
  return {
    release: () => {
      if (held.delete(file)) file.close()
    },
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5
}
