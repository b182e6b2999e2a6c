// Keeps what we send to other people's addresses on the public web: by the address as it is written, and by what its name leads to.
// requests.ts and download.ts use it. Apart from public-host.ts, which the recipes use: the page reads their types, and knows nothing of Node.
import { type LookupAddress, lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { ForbiddenAddress } from './connection.ts'
import { isPublicHost } from './public-host.ts'

/** Throws `ForbiddenAddress`. */
export function requirePublic({ protocol, hostname }: URL): void {
  if (protocol === 'https:' && isPublicHost(hostname)) return
  throw new ForbiddenAddress('its address is not on a public host, or not https')
}

/** For a socket. A public name may still lead into a private network, and the next time somewhere else. */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, '')
    const fault = privateFault(addresses)
    if (fault) return callback(fault, '')
    if (options.all) return callback(null, addresses)
    const [first] = addresses as [LookupAddress]
    callback(null, first.address, first.family)
  })
}

function privateFault(addresses: readonly LookupAddress[]): NodeJS.ErrnoException | undefined {
  if (addresses.length > 0 && addresses.every(({ address }) => isPublicHost(address))) return undefined
  return Object.assign(new Error('the name leads to a private address'), { code: 'EPRIVATE' })
}
