import { expect, test } from 'vitest'
import { migrateForDeploy } from '../../build/migrate-deploy.ts'
import { createDatabase } from '../setup/database.ts'

const nowhere = 'postgres://nobody@127.0.0.1:1/nothing'

test.each(['deploy-preview', 'branch-deploy', 'dev', undefined])('a build for %s asks no database', async (CONTEXT) => {
  expect(await migrateForDeploy({ CONTEXT, DATABASE_URL: nowhere })).toEqual([])
})

test('a production build brings its database up to date', async () => {
  const database = await createDatabase()
  const connection = await database.connect()
  await connection.db.deleteFrom('kysely_migration' as never).execute()
  const applying = migrateForDeploy({ CONTEXT: 'production', DATABASE_URL: database.url })
  // The tables are there already: that the first migration is tried again shows that this database is asked.
  await expect(applying).rejects.toThrow('already exists')
  await database.drop()
})

test('a production build without a database ends, and says why', async () => {
  await expect(migrateForDeploy({ CONTEXT: 'production' })).rejects.toThrow('DATABASE_URL is not set')
})
