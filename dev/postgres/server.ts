// Runs the server under a small shell that outlives us by just as long as a shutdown takes. startPostgres() calls it;
// the server it returns has answered a connection.
import { spawn } from 'node:child_process'
import { chown, open } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { Client } from 'pg'
import { CannotBegin } from '../begin.ts'
import { type Cluster, env, here } from './cluster.ts'

const pollMs = 10
const readyMs = 60_000
const stopMs = 10_000

// Our end of the pipe closes when this process ends, however it ends; the watcher then asks for a fast shutdown.
const supervisor = `
exec 3<&0 </dev/null
"$0" "$@" 3<&- &
server=$!
{ while read -r _ <&3; do :; done; kill -INT "$server"; } &
watcher=$!
trap '' HUP INT TERM
wait "$server"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
`

interface LaunchOptions {
  cluster: Cluster
  postgres: string
  port: number
  settings: Record<string, string | number>
}

export interface Server {
  url: string
  port: number
  stop(pid: number): Promise<void>
}

export async function launch({ cluster, postgres, port, settings }: LaunchOptions): Promise<Server> {
  const { dir, logFile, as } = cluster
  const url = `postgres://postgres:${cluster.password}@127.0.0.1:${port}/postgres`
  const all = { listen_addresses: '127.0.0.1', unix_socket_directories: '', timezone: 'UTC', ...settings, port }
  const args = ['-D', here ?? dir, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  const log = await open(logFile, 'a+', 0o600)
  try {
    if (as) await chown(logFile, as.uid, as.gid)
    const logStart = (await log.stat()).size
    // A group of its own: a terminal's Ctrl-C must not end the database under requests that are still being answered.
    const child = spawn('/bin/sh', ['-c', supervisor, postgres, ...args], {
      cwd: dir,
      detached: true,
      env,
      stdio: ['pipe', log.fd, log.fd],
      ...as,
    })
    const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
    child.once('error', reject).once('exit', () => resolve())
    child.stdin?.on('error', () => child.stdin?.destroy())
    const stop = async (pid?: number) => {
      child.stdin?.end()
      const isLate = await Promise.race([ended.then(() => false), wait(stopMs, true, { ref: false })])
      if (isLate && pid) process.kill(pid, 'SIGQUIT')
      await ended
    }
    try {
      await untilReady(url, ended)
      return { url, port, stop }
    } catch (cause) {
      await stop()
      const size = (await log.stat()).size - logStart
      const words = (await log.read(Buffer.alloc(size), 0, size, logStart)).buffer.toString()
      const reason = complaint(words) || String(cause)
      throw new CannotBegin(`PostgreSQL did not start on ${dir}, port ${port}: ${reason} Its log: ${logFile}`, {
        cause,
      })
    }
  } finally {
    await log.close()
  }
}

async function untilReady(url: string, ended: Promise<void>): Promise<void> {
  const until = Date.now() + readyMs
  while (Date.now() < until) {
    const outcome = await Promise.race([ended.then(() => 'ended'), isReady(url)])
    if (outcome === 'ended') throw new Error('it ended at once.')
    if (outcome) return
    await wait(pollMs)
  }
  throw new Error(`no answer within ${readyMs / 1000} s.`)
}

async function isReady(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 1_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return true
  } catch (error) {
    // 57P03: it listens and is still recovering. Any other word of PostgreSQL's is final, e.g. a wrong password.
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (/^[0-9A-Z]{5}$/.test(code) && code !== '57P03') throw error
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

function complaint(log: string): string {
  const lines = log.split('\n').filter((line) => /FATAL|PANIC|ERROR|HINT|could not|No space/.test(line))
  return lines.slice(-6).join(' ')
}
