// Finds a free port, and listens on one. Simulators, local servers, tests and benchmarks start many servers, at ports of their own.
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** Below those that systems choose by themselves: Linux begins at 32,768, others at 49,152. */
const ports = { first: 20_000, count: 12_000 }

/**
 * Of this machine's own address. It is free until somebody asks for just this one, so a server that is killed finds it again, however
 * many others begin meanwhile at a port that the system chooses.
 */
export async function freePort(): Promise<number> {
  const port = ports.first + randomInt(ports.count)
  const probe = createServer()
  try {
    await once(probe.listen(port, '127.0.0.1'), 'listening')
  } catch {
    return freePort()
  }
  await once(probe.close(), 'close')
  return port
}

/** Listens, on any free port where it is 0, and gives the port. */
export async function listenOn(server: Server, port = 0, host = '127.0.0.1'): Promise<number> {
  await once(server.listen(port, host), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP address')
  return address.port
}
