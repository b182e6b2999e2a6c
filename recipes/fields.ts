// The building blocks of recipes' input schemas: text that can be stored, and image addresses a provider may be sent to.
import ipaddr from 'ipaddr.js'
import { z } from 'zod'

export interface ImagePolicy {
  /** Hosts (and their subdomains) that image URLs may name; empty means any public host. */
  hosts: readonly string[]
  /** Also http and private networks: for a machine where everything, the simulator included, is local. */
  allowPrivate: boolean
}

/** Data URIs are kept as files; the request that carries them is limited to 6 MB as a whole. */
const maxDataUri = 5_600_000
const maxUrl = 2_048

export const textField = (max: number) => z.string().trim().min(1).max(max)

/** An https URL on a public host, or a data URI of an image. */
export function imageField(policy: ImagePolicy) {
  return z.string().superRefine((value, context) => {
    const fault = imageFault(value, policy)
    if (fault) context.addIssue({ code: 'custom', message: fault })
  })
}

function imageFault(value: string, policy: ImagePolicy): string | undefined {
  if (value.startsWith('data:')) return dataUriFault(value)
  if (value.length > maxUrl) return `must be at most ${maxUrl} characters long`
  const url = URL.parse(value)
  if (!url) return 'must be an https URL or a data URI of an image'
  if (url.protocol !== 'https:' && !(policy.allowPrivate && url.protocol === 'http:')) {
    return 'must be an https URL or a data URI of an image'
  }
  if (url.username || url.password) return 'must not carry a user name or password'
  if (!policy.allowPrivate && isPrivateHost(url.hostname)) return 'must name a public host'
  if (policy.hosts.length > 0 && !policy.hosts.some((host) => isWithin(url.hostname, host))) {
    return `must name one of these hosts: ${policy.hosts.join(', ')}`
  }
  return undefined
}

function dataUriFault(value: string): string | undefined {
  if (value.length > maxDataUri) return 'must be at most 4 MB as an image; send a URL instead'
  if (!/^data:image\/(png|jpeg|webp);base64,[A-Za-z0-9+/]+={0,2}$/.test(value)) {
    return 'must be a base64 data URI of a PNG, JPEG or WebP image'
  }
  return undefined
}

/** Names and addresses that lead into somebody's own network. Numeric spellings were normalised by the URL parser. */
function isPrivateHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  if (ipaddr.isValid(host)) return ipaddr.process(host).range() !== 'unicast'
  return !host.includes('.') || /\.(localhost|local|internal|lan|home|corp|intranet|arpa)$/.test(host)
}

function isWithin(hostname: string, host: string): boolean {
  return hostname === host || hostname.endsWith(`.${host}`)
}
