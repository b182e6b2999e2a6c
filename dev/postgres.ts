// A real PostgreSQL from npm for `npm start`, tests and benchmarks. It belongs to the process that started it: when that
// process ends, killed or not, PostgreSQL shuts down. It runs as any user, root included, wherever the checkout lies.
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { freePort } from '../simulator/ports.ts'
import { type Binaries, findBinaries } from './postgres/binaries.ts'
import { type Cluster, openCluster, serverUser } from './postgres/cluster.ts'
import { takeLock } from './postgres/lock.ts'
import { launch, type Server } from './postgres/server.ts'

interface PostgresOptions {
  /** Made on the first start and kept. The password, log and lock lie beside it: `<dataDir>.password`, and so on. */
  dataDir: string
  /** A free one by default. */
  port?: number
  /** Lines of postgresql.conf, e.g. `{ fsync: 'off', max_connections: 200 }`. */
  settings?: Record<string, string | number>
}

export interface Postgres {
  url: string
  port: number
  /** The postmaster's. */
  pid: number
  /** Fast shutdown: open transactions roll back, clients are disconnected. */
  stop(): Promise<void>
}

export async function startPostgres({ dataDir, port, settings = {} }: PostgresOptions): Promise<Postgres> {
  const dir = resolve(dataDir)
  const as = await serverUser(dir)
  const lock = await takeLock(dir)
  let binaries: Binaries | undefined
  try {
    binaries = await findBinaries(as)
    const cluster = await openCluster(dir, binaries.initdb, as)
    const server = await launchOn(port, cluster, binaries.postgres, settings)
    const pid = Number((await readFile(join(dir, 'postmaster.pid'), 'utf8')).split('\n')[0])
    let stopping: Promise<void> | undefined
    const shutDown = async () => {
      await server.stop(pid)
      await binaries?.dispose()
      lock.release()
    }
    return {
      url: server.url,
      port: server.port,
      pid,
      stop: () => {
        stopping ??= shutDown()
        return stopping
      },
    }
  } catch (error) {
    await binaries?.dispose()
    lock.release()
    throw error
  }
}

// Between the probe and PostgreSQL's bind somebody else may take the port; the last backends of a server that was killed
// may need a moment to notice.
const passing = /Address already in use|pre-existing shared memory block/

async function launchOn(
  port: number | undefined,
  cluster: Cluster,
  postgres: string,
  settings: Record<string, string | number>,
): Promise<Server> {
  if (port !== undefined) return launch({ cluster, postgres, settings, port })
  for (let attempt = 1; ; attempt++) {
    try {
      return await launch({ cluster, postgres, settings, port: await freePort() })
    } catch (error) {
      if (attempt === 5 || !passing.test(String(error))) throw error
    }
  }
}
