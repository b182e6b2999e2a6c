// Brings a database up to date with db/migrations/: `npm run migrate`, `npm start` and tests call it. All pending files
// are applied in one transaction or not at all; runs at the same time wait for each other.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { Pool } from 'pg'
import { isNeon, parseUrl } from './driver/connect.ts'
import { asDatabaseError } from './driver/errors.ts'
import { patiently } from './driver/retries.ts'

const connectMs = 10_000

const ownFolder = join(import.meta.dirname, 'migrations')

/** Returns the names of the migrations that this call applied. */
export async function migrate(url: string, folder = ownFolder): Promise<string[]> {
  const pool = new Pool({ connectionString: direct(url), max: 2, connectionTimeoutMillis: connectMs })
  // Lost while idle: the statement that needs a connection next reports it.
  pool.on('error', () => undefined)
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  try {
    // A suspended database may refuse its first connection; later ones find it awake.
    await patiently(() => pool.query('select 1').catch((error) => Promise.reject(asDatabaseError(error, 'connecting'))))
    const migrations = await readMigrations(folder)
    const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
    const { error, results = [] } = await migrator.migrateToLatest()
    if (error === undefined) return results.map(({ migrationName }) => migrationName)
    const failed = results.find(({ status }) => status === 'Error')
    const words = error instanceof Error ? error.message || String(Reflect.get(error, 'code')) : String(error)
    throw new Error(failed ? words : `The database was not migrated: ${words}`, { cause: error })
  } finally {
    await db.destroy()
  }
}

/** Where the environment says that migrations go: to the direct address beside the one that the functions use, where there is one. */
export function migrationUrl(env: Record<string, string | undefined>): string | undefined {
  const name = ['DATABASE_URL', 'NETLIFY_DB_URL', 'NETLIFY_DATABASE_URL'].find((one) => env[one])
  return name && (env[`${name}_UNPOOLED`] || env[name])
}

/**
 * The Migrator's lock belongs to a session. Neon's pooler hands each transaction another one, so that the lock might be
 * released in vain and stay; the same host without `-pooler` is the server itself.
 */
export function direct(url: string): string {
  const parsed = parseUrl(url)
  if (!isNeon(parsed)) return url
  parsed.hostname = parsed.hostname.replace(/^([^.]+)-pooler\./, '$1.')
  // What pg does on Neon's usual `require`, in its own word; with the other it warns.
  if (parsed.searchParams.get('sslmode') === 'require') parsed.searchParams.set('sslmode', 'verify-full')
  return parsed.href
}

/** The names of all migrations, in their order. */
export async function listMigrations(folder = ownFolder): Promise<string[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()
  return files.map((file) => file.slice(0, -'.sql'.length))
}

async function readMigrations(folder: string): Promise<Record<string, Migration>> {
  const names = await listMigrations(folder)
  const texts = await Promise.all(names.map((name) => readFile(join(folder, `${name}.sql`), 'utf8')))
  return Object.fromEntries(names.map((name, i) => [name, { up: (db) => apply(db, `${name}.sql`, texts[i] ?? '') }]))
}

async function apply(db: Kysely<unknown>, file: string, text: string): Promise<void> {
  try {
    await sql.raw(text).execute(db)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const position = Number(Reflect.get(error, 'position'))
    const line = position ? `, line ${text.slice(0, position).split('\n').length}` : ''
    throw new Error(`${file}${line}: ${error.message}`, { cause: error })
  }
}

/** As the other commands: what the process doesn't have is read in `.env`, if there is one, or in the file that is named. */
function readFileOf(words: string[]): void {
  const { values } = parseArgs({ args: words, options: { env: { type: 'string' } } })
  try {
    process.loadEnvFile(values.env ?? '.env')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (values.env === undefined && code === 'ENOENT') return
    throw new Error(`${values.env ?? '.env'} can't be read: ${code}`, { cause })
  }
}

if (import.meta.main) {
  try {
    readFileOf(process.argv.slice(2))
    const url = migrationUrl(process.env)
    if (!url) throw new Error('DATABASE_URL is not set (nor NETLIFY_DB_URL, nor NETLIFY_DATABASE_URL).')
    const applied = await migrate(url)
    console.log(applied.length ? applied.map((name) => `applied ${name}`).join('\n') : 'up to date')
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
