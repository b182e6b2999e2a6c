// Which hosts belong to everybody. Asked of the addresses that a provider is sent to, and of those that a provider sends us to: it
// promises that no spelling of somebody's own network passes for a public host.
import { type LookupAddress, lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'

/** By name or address alone; numeric spellings were normalised by the URL parser. */
export function isPublicHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  if (ipaddr.isValid(host)) return isPublicAddress(ipaddr.process(host))
  return host.includes('.') && !/\.(localhost|local|internal|lan|home|corp|intranet|arpa)$/.test(host)
}

/** Of IPv6, only 2000::/3 is in public use; beside it lie spellings of IPv4 addresses that no list knows. */
function isPublicAddress(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address instanceof ipaddr.IPv6 && !address.match(ipaddr.IPv6.parse('2000::'), 3)) return false
  return address.range() === 'unicast'
}

/** Looks a name up for a socket that may only lead to the public web: a public name may lead into a private network, and the next time
 *  somewhere else. download.ts uses it. */
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
