// A server of the test's own, which keeps nobody waiting: it ends with the worker.
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Its address. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).unref()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
