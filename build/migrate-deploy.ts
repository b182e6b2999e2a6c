// Applies the migrations of a deploy. build.ts calls it before the functions are published, so that none ever meets a table older than
// itself; and for production alone, because previews are given the same variables, and must not change what production runs on.
import { migrate, migrationUrl } from '../db/migrate.ts'

/** The names of what was applied. `env` is the build's: Netlify tells there which deploy it is for. */
export async function migrateForDeploy(env: Record<string, string | undefined>): Promise<string[]> {
  if (env['CONTEXT'] !== 'production') return []
  const url = migrationUrl(env)
  if (!url) throw new Error('DATABASE_URL is not set for the build of a production deploy')
  return migrate(url)
}
