// Stops a server whose parent died without it. openCluster() calls this under the lock, so whatever runs is nobody's.
import { execFile } from 'node:child_process'
import { readFile, readlink, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { CannotBegin } from '../begin.ts'

const pollMs = 10
const fastMs = 10_000
const immediateMs = 5_000

export async function stopLeftover(dir: string): Promise<void> {
  const pidFile = join(dir, 'postmaster.pid')
  const pid = Number((await readFile(pidFile, 'utf8').catch(ifMissing))?.split('\n')[0])
  if (!pid) return
  if (!(await isServerOf(dir, pid))) {
    // After a reboot, or in a new container, the pid may be any process; PostgreSQL would then refuse to start.
    await rm(pidFile, { force: true })
    return
  }
  for (const [signal, ms] of [['SIGINT', fastMs] as const, ['SIGQUIT', immediateMs] as const]) {
    process.kill(pid, signal)
    if (await isGone(dir, pid, ms)) return
  }
  throw new CannotBegin(`PostgreSQL with process id ${pid} still runs on ${dir} and does not stop: end it by hand.`)
}

async function isGone(dir: string, pid: number, ms: number): Promise<boolean> {
  for (let left = ms; left > 0; left -= pollMs) {
    if (!(await isServerOf(dir, pid))) return true
    await wait(pollMs)
  }
  return false
}

export function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

/** A server's working directory is its data directory. A zombie has none: it is gone, though its pid answers. */
async function isServerOf(dir: string, pid: number): Promise<boolean> {
  if (process.platform === 'linux') {
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '')
    return name.startsWith('postgres') && cwd === (await realpath(dir))
  }
  const { stdout } = await promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({
    stdout: '',
  }))
  return stdout.includes('postgres') && stdout.includes(dir)
}
