// One PostgreSQL for the whole run, with a migrated database that every test's own is copied from; and a browser, unpacked. Vitest calls it
// once.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import chromium from '@sparticuz/chromium'
import { Client } from 'pg'
import type { TestProject } from 'vitest/node'
import { migrate } from '../../db/migrate.ts'
import { startPostgres } from '../../dev/postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The cluster's maintenance database, as its superuser. */
    postgresUrl: string
    /** The database to copy. */
    templateDatabase: string
  }
}

const template = 'stepgate_template'

// The data is thrown away, so nothing needs to survive a crash.
const settings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: 200,
  shared_preload_libraries: 'pg_stat_statements',
  compute_query_id: 'on',
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'stepgate-test-'))
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), settings })
  const teardown = async () => {
    await postgres.stop()
    await rm(folder, { recursive: true })
  }
  try {
    // Its package takes a file that another process is still writing for the whole browser: nobody else unpacks it.
    await Promise.all([createTemplate(postgres.url), chromium.executablePath()])
  } catch (error) {
    await teardown()
    throw error
  }
  project.provide('postgresUrl', postgres.url)
  project.provide('templateDatabase', template)
  return teardown
}

async function createTemplate(url: string): Promise<void> {
  const admin = new Client({ connectionString: url })
  await admin.connect()
  try {
    await admin.query('create extension pg_stat_statements')
    await admin.query(`create database ${template}`)
    const address = new URL(url)
    address.pathname = template
    await migrate(address.href)
    // A template with a connection cannot be copied; now nobody can open one.
    await admin.query(`alter database ${template} with is_template true allow_connections false`)
  } finally {
    await admin.end()
  }
}
