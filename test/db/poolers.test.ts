// Poolers between us and Postgres: what they refuse when a connection starts, and what they say in words alone. A real PgBouncer where the
// machine has one, and a stand-in of its answers everywhere.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect as connectTo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { connect } from '../../db/driver/connect.ts'
import type { DatabaseError } from '../../db/driver/errors.ts'
import { startTask } from '../../db/statements/start.ts'
import { freePort } from '../../simulator/ports.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'
import { claim, noon, read } from './setup.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database.drop())

/** Listens before the server, and hands each connection's startup packet to `refuse`, which may answer it with words and a code. */
async function poolerAt(refuse: (startup: string) => [words: string, code: string] | undefined) {
  const { port, hostname } = new URL(database.url)
  const starts: string[] = []
  const proxy = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (packet) => {
      const startup = packet.toString('latin1')
      starts.push(startup)
      const refusal = refuse(startup)
      if (refusal) return void socket.end(errorResponse(...refusal))
      const server = connectTo(Number(port), hostname)
      server.on('error', () => socket.destroy())
      server.write(packet)
      socket.pipe(server).pipe(socket)
    })
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void proxy.close())
  return { url: atPort((proxy.address() as AddressInfo).port), starts }
}

const atPort = (port: number) =>
  Object.assign(new URL(database.url), { port: String(port), hostname: '127.0.0.1' }).href

/** An ErrorResponse of the wire protocol. */
function errorResponse(words: string, code: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${words}\0\0`)
  const head = Buffer.alloc(5, 'E')
  head.writeInt32BE(fields.length + 4, 1)
  return Buffer.concat([head, fields])
}

async function useAt(url: string): Promise<void> {
  const { db, close } = connect(url, { driver: 'pg' })
  onTestFinished(close)
  const task = { id: crypto.randomUUID(), user_id: 'ada', recipe: 'try-on', provider: 'replicate', input: {} }
  const keys = { lock_key: null, idempotency_key: null, request_hash: null }
  await startTask(db, { ...task, ...keys, auto_continue: false, total_steps: 1 }, { now: noon })
  const claims = await Promise.all([1, 2, 3].map(() => claim(db)))
  expect(claims.flatMap(({ tasks }) => tasks)).toMatchObject([{ id: task.id, work: 'submit' }])
  expect(await read(db, task)).toMatchObject({ phase: 'submitting' })
}

test('a pooler that refuses our limit at the start of a connection is used without it', async () => {
  const { url, starts } = await poolerAt((startup) =>
    startup.includes('statement_timeout') ? ['unsupported startup parameter: statement_timeout', '08P01'] : undefined,
  )
  await useAt(url)
  expect(starts.filter((startup) => startup.includes('statement_timeout'))).toHaveLength(1)
})

test.each([
  ['unsupported startup parameter: extra_float_digits', '08P01'],
  ['no such user: ada', '08P01'],
  ['SSL required', '08P01'],
  ['Tenant or user not found', 'XX000'],
])('"%s" (%s) of a pooler is said once, and not tried again', async (words, code) => {
  const { url, starts } = await poolerAt(() => [words, code])
  expect(await failureAt(url)).toMatchObject({ kind: 'refused', message: expect.stringContaining(words) })
  expect(starts).toHaveLength(1)
})

test('a pooler that is full for now is asked again', async () => {
  let asked = 0
  const { url } = await poolerAt(() => {
    asked += 1
    return asked === 1 ? ['no more connections allowed (max_client_conn)', '08P01'] : undefined
  })
  const { db, close } = connect(url, { driver: 'pg' })
  onTestFinished(close)
  expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
})

test('a server without TLS, asked for it, is refused in words that say so', async () => {
  const proxy = createServer((socket: Socket) => socket.once('data', () => socket.end('N')))
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void proxy.close())
  const failure = await failureAt(`${atPort((proxy.address() as AddressInfo).port)}?sslmode=require`)
  expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('sslmode') })
})

async function failureAt(url: string): Promise<DatabaseError> {
  const { db, close } = connect(url, { driver: 'pg' })
  onTestFinished(close)
  return sql`select 1`.execute(db).then(
    () => Promise.reject(new Error('it was answered')),
    (error) => error,
  )
}

const bouncer = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer'].find(existsSync)

test.skipIf(!bouncer)(
  'a real PgBouncer that hands sessions on by transaction (skipped where none is installed)',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stepgate-pgbouncer-'))
    const { hostname, port, pathname, username, password } = new URL(database.url)
    const own = await freePort()
    const target = `host=${hostname} port=${port} user=${username} password='${password}'`
    const config = join(folder, 'pgbouncer.ini')
    await chmod(folder, 0o755)
    await writeFile(
      config,
      `[databases]\n${pathname.slice(1)} = ${target}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${own}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 2\n`,
    )
    // PgBouncer does not run as root.
    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
    const child = spawn(bouncer ?? '', [...user, config], { stdio: 'ignore' })
    onTestFinished(async () => {
      child.kill()
      await rm(folder, { recursive: true })
    })
    await untilListening(own)
    await useAt(atPort(own))
    expect(execFileSync(bouncer ?? '', ['--version'], { encoding: 'utf8' })).toMatch(/PgBouncer/)
  },
)

async function untilListening(port: number): Promise<void> {
  for (let left = 2_400; left > 0; left -= 1) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connectTo(port, '127.0.0.1')
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (isUp) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('PgBouncer does not listen')
}
