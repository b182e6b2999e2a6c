// The data directory: who it belongs to, how it is made, and what a dead process left running on it.
// startPostgres() calls this while it holds the lock; afterwards no other server runs on the directory.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { CannotBegin } from '../begin.ts'
import { ifMissing, stopLeftover } from './leftover.ts'

const major = '18'
const nobody = { uid: 65534, gid: 65534 }

export interface User {
  uid: number
  gid: number
}

export interface Cluster {
  dir: string
  password: string
  logFile: string
  as: User | undefined
}

/**
 * PostgreSQL's programs get the data directory as their working directory and are told to look there: the kernel enters
 * it before the user changes, so its parents may be closed to that user.
 */
export const here = process.platform === 'linux' ? '/proc/self/cwd' : undefined

/** Nothing of ours leaks in: PG… variables would change what PostgreSQL does. */
export const env = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' }

/** PostgreSQL refuses to run as root, who therefore runs it as the owner of the data, or as nobody. */
export async function serverUser(dir: string): Promise<User | undefined> {
  const owner = await stat(dir).catch(ifMissing)
  const uid = process.getuid?.()
  if (uid !== 0) {
    if (!owner || owner.uid === uid) return undefined
    throw new CannotBegin(
      `${dir} belongs to another user (uid ${owner.uid}): start as that user, or use another folder.`,
    )
  }
  if (process.platform !== 'linux')
    throw new CannotBegin('PostgreSQL refuses to run as root: start as an ordinary user.')
  return owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : nobody
}

export async function openCluster(dir: string, initdb: string, as: User | undefined): Promise<Cluster> {
  const passwordFile = `${dir}.password`
  const version = (await readFile(join(dir, 'PG_VERSION'), 'utf8').catch(ifMissing))?.trim()
  if (version === undefined) await createCluster(dir, passwordFile, initdb, as)
  else if (version !== major) {
    throw new CannotBegin(
      `${dir} was written by PostgreSQL ${version}, this is ${major}: move or delete it, and a new one is made.`,
    )
  }
  if (as) await giveTo(as, dir)
  await stopLeftover(dir)
  const password = (await readFile(passwordFile, 'utf8').catch(ifMissing))?.trim()
  if (!password) throw new CannotBegin(`${passwordFile}, the password of ${dir}, is gone: put it back, or delete both.`)
  return { dir, password, logFile: `${dir}.log`, as }
}

/** Made under another name first, so that a start which is killed half-way leaves nothing that looks complete. */
async function createCluster(dir: string, passwordFile: string, initdb: string, as: User | undefined): Promise<void> {
  const present = await readdir(dir).catch(ifMissing)
  if (present?.length)
    throw new CannotBegin(`${dir} is neither empty nor a PostgreSQL data directory: use another folder.`)
  const fresh = `${dir}.new`
  await rm(fresh, { recursive: true, force: true })
  await mkdir(fresh, { mode: 0o700 })
  await rm(passwordFile, { force: true })
  await writeFile(passwordFile, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600 })
  if (as) {
    await chown(fresh, as.uid, as.gid)
    await chown(passwordFile, as.uid, as.gid)
  }
  await runInitdb(initdb, fresh, passwordFile, as)
  await rename(fresh, dir)
}

async function runInitdb(initdb: string, dir: string, passwordFile: string, as: User | undefined): Promise<void> {
  const args = ['-D', here ?? dir, '-U', 'postgres', '--auth=scram-sha-256', '--pwfile=/dev/fd/3', '--no-sync']
  args.push('--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8')
  const password = await open(passwordFile)
  try {
    const child = spawn(initdb, args, { cwd: dir, env, stdio: ['ignore', 'ignore', 'pipe', password.fd], ...as })
    const { promise: ended, resolve, reject } = Promise.withResolvers<number | null>()
    child.once('error', reject).once('exit', resolve)
    const [code, words] = await Promise.all([ended, child.stderr ? text(child.stderr) : ''])
    if (code !== 0) throw new Error(words.trim() || `initdb ended with code ${code}`)
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause)
    const advice = /No space left/.test(words) ? ' Free some disk space and start again.' : ''
    throw new CannotBegin(`A new database could not be made in ${dir}: ${words}${advice}`, { cause })
  } finally {
    await password.close()
  }
}

/** A copied checkout may have made root the owner of the files. */
async function giveTo({ uid, gid }: User, dir: string): Promise<void> {
  if ((await stat(join(dir, 'PG_VERSION'))).uid === uid) return
  for (const name of ['.', ...(await readdir(dir, { recursive: true }))]) await chown(join(dir, name), uid, gid)
}
