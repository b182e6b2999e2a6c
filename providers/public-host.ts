// Which hosts belong to everybody. Asked of the addresses that a provider is sent to, and of those that a provider sends us to: it
// promises that no spelling of somebody's own network passes for a public host. A file of its own, because the page's types lead here: nothing of
// Node may be beside it.
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
