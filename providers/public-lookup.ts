// Names looked up for sockets that may only lead to the public web. download.ts uses it, because a name is no promise of an address.
// Apart from public-host.ts, which the recipes use: the page reads their types, and knows nothing of Node.
import { type LookupAddress, lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { isPublicHost } from './public-host.ts'

/** A public name may still lead into a private network, and the next time somewhere else. */
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
