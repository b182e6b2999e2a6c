// What the kernel knows of a process: CPU seconds and peak memory. Linux only, as /proc is.
import { readdir, readFile } from 'node:fs/promises'

/** Of /proc's clock: USER_HZ, which is 100 on every Linux that Node runs on. */
const ticksPerSecond = 100

interface Stat {
  parent: number
  own: number
  /** Of children that have ended. */
  ended: number
}

async function readStat(pid: number | string): Promise<Stat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // The name, in brackets, may hold spaces.
  const fields = text
    ?.slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  if (!fields) return undefined
  const [, parent = 0] = fields
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15)
  return { parent, own: (user + system) / ticksPerSecond, ended: (endedUser + endedSystem) / ticksPerSecond }
}

/** Of a process and its children, the ended ones included. */
export async function cpuSecondsOfTree(pid: number): Promise<number> {
  const root = await readStat(pid)
  let seconds = root ? root.own + root.ended : 0
  for (const entry of await readdir('/proc')) {
    const stat = /^\d+$/.test(entry) ? await readStat(entry) : undefined
    if (stat?.parent === pid) seconds += stat.own + stat.ended
  }
  return seconds
}

export async function peakMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1]) / 1024
}
