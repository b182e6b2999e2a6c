// A Postgres with a certificate of a private authority: what the address says decides whether it is trusted, and a refusal says what to
// change. It is the tests' own server, which takes TLS for the time of this file. The authority's key is gone; both certificates last
// until 2126.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import { askServer, checkDatabase } from '../../cli/doctor/database.ts'
import { runChecks } from '../../cli/doctor/findings.ts'
import { connect } from '../../db/driver/connect.ts'
import type { DatabaseError } from '../../db/driver/errors.ts'
import { parseConfig } from '../../providers/config.ts'
import { openHttp } from '../../providers/http.ts'

const fixture = (name: string) => join(import.meta.dirname, 'fixtures', 'tls', name)
const authority = fixture('authority.pem')
const admin = new Pool({ connectionString: inject('postgresUrl'), max: 1 })

beforeAll(async () => {
  for (const name of ['server.pem', 'server.key']) {
    // Written by the server itself, whose user alone may read its key.
    const lines = `select unnest(string_to_array('${(await readFile(fixture(name), 'utf8')).trim()}', e'\\n'))`
    await admin.query(`copy (${lines}) to program 'umask 077; cat > ${name}'`)
  }
  await switchTls('on', ["ssl_cert_file = 'server.pem'", "ssl_key_file = 'server.key'"])
})
afterAll(async () => {
  await switchTls('off')
  await admin.end()
})

async function switchTls(state: 'on' | 'off', settings: readonly string[] = []): Promise<void> {
  for (const setting of [...settings, `ssl = ${state}`]) await admin.query(`alter system set ${setting}`)
  await admin.query('select pg_reload_conf()')
  for (let tries = 0; tries < 6_000; tries += 1) {
    const { rows } = await admin.query<{ ssl: string }>('show ssl')
    if (rows[0]?.ssl === state) return
    await admin.query('select pg_sleep(0.01)')
  }
  throw new Error(`the server's TLS is not ${state}`)
}

/** The tests' server as the certificate names it, or by its number. */
function at(options: Record<string, string>, hostname = 'localhost'): string {
  const url = Object.assign(new URL(inject('postgresUrl')), { hostname })
  for (const [name, value] of Object.entries(options)) url.searchParams.set(name, value)
  return url.href
}

async function askOver(url: string) {
  const repeated: string[] = []
  const { db, close } = connect(url, { driver: 'pg', onRepeat: ({ message }) => repeated.push(message) })
  onTestFinished(close)
  const asking = sql<{ ssl: boolean }>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`.execute(db)
  const answer = await asking.catch((error: DatabaseError) => error)
  return { answer, repeated }
}

test.each(['require', 'verify-full'])(
  'sslmode=%s with the authority as sslrootcert is a connection by TLS',
  async (sslmode) => {
    expect((await askOver(at({ sslmode, sslrootcert: authority }))).answer).toMatchObject({ rows: [{ ssl: true }] })
  },
)

const refused: [string, string, RegExp][] = [
  ['no authority', at({ sslmode: 'require' }), /not trusted; add sslrootcert=/],
  ['an authority that did not sign it', at({ sslmode: 'require', sslrootcert: fixture('server.pem') }), /not trusted/],
  ["another host's name", at({ sslmode: 'require', sslrootcert: authority }, '127.0.0.1'), /is another host's/],
  [
    'a file that is not there',
    at({ sslmode: 'require', sslrootcert: '/no/authority.pem' }),
    /sslrootcert.*cannot be read: .*\/no\/authority\.pem/,
  ],
  [
    'a file that is no certificate',
    at({ sslmode: 'require', sslrootcert: import.meta.filename }),
    /not trusted; add sslrootcert=/,
  ],
]

test.each(refused)('%s: it is refused once, in words that say what to change', async (_name, url, words) => {
  const { answer, repeated } = await askOver(url)
  expect([answer, repeated]).toMatchObject([{ kind: 'refused', message: expect.stringMatching(words) }, []])
})

test('the doctor says the same, and nothing of user and password', async () => {
  const env = { DATABASE_URL: at({ sslmode: 'require' }) }
  const config = parseConfig(env)
  const http = openHttp({ connections: 1 })
  onTestFinished(() => http.close())
  const health = () => Promise.reject(new Error('not asked'))
  const [finding] = await runChecks([checkDatabase], { env, config, http, health, server: () => askServer(config) })
  expect(finding).toMatchObject({ state: 'FAIL', says: expect.stringContaining('add sslrootcert=') })
  expect(finding?.todo).toMatch(/^Change DATABASE_URL as these words say/)
})
