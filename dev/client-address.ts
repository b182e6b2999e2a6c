// Whose request it is, by address: a local server's rate limits count by it. router.ts asks.
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { isPublicHost } from '../providers/public-host.ts'

/**
 * Behind a proxy on this machine, or in its private network, every request comes from the proxy. The last address of `X-Forwarded-For` is
 * then the one that the proxy itself saw: what stands before it anybody may have written. A client from the public web is known by
 * the address of its connection alone.
 */
export function clientAddress({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string {
  const address = plain(socket.remoteAddress ?? '')
  const forwarded = [headers['x-forwarded-for']].flat().at(-1)
  if (!forwarded || isPublicHost(address)) return address
  return plain(forwarded.split(',').at(-1) ?? '') || address
}

/** Empty where it is none. */
function plain(text: string): string {
  const address = text.trim().replace(/^::ffff:/, '')
  return isIP(address) ? address : ''
}
