// The building blocks of recipes' input schemas: text that can be stored, and addresses of files that a provider may be sent to.
import * as z from 'zod'
import { parseDataUri, unknownType } from '../core/data-uri.ts'
import { isResultAddress, ownResultAddress, parseOwnResult, parseShared, shareAddress } from '../core/own-result.ts'
import { archiveType, imageTypes, uploadId } from '../core/upload.ts'
import { ambiguousAddress, isAmbiguous } from '../core/web-address.ts'
import { isPublicHost } from '../providers/public-host.ts'

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

interface Kind {
  /** With its article. */
  called: string
  /** As a form asks for it. */
  form: 'image' | 'archive'
  /** What a data URI of it may call itself; what it is, its content tells. */
  types: readonly string[]
}

const image: Kind = {
  called: 'a PNG, JPEG or WebP image',
  form: 'image',
  types: [...imageTypes, 'image/avif', 'image/heic', 'image/heif', unknownType],
}
const archive: Kind = {
  called: 'a zip file',
  form: 'archive',
  types: [archiveType, unknownType],
}

/** An https URL on a public host, the address of an upload or of a result here, or a data URI of an image. */
export const imageField = (policy: ImagePolicy) => fileField(policy, image)
/** The same for a zip file. */
export const archiveField = (policy: ImagePolicy) => fileField(policy, archive)

function fileField(policy: ImagePolicy, kind: Kind) {
  return z
    .string()
    .superRefine((value, context) => {
      const fault = fileFault(value, policy, kind)
      if (fault) context.addIssue({ code: 'custom', message: fault })
    })
    .overwrite(asSent)
    .meta({
      format: 'uri-reference',
      'x-file': kind.form,
      description: `an https URL, the address of an upload or of a result of one’s own, or a data URI of ${kind.called}`,
    })
}

/** An address on the web goes out as it was parsed and checked, not as it was typed. */
function asSent(value: string): string {
  if (value.startsWith('data:') || uploadId(value)) return value
  const own = parseOwnResult(value)
  if (own) return ownResultAddress(own)
  const shared = parseShared(value)
  if (shared) return shareAddress(shared)
  return URL.parse(value)?.href ?? value
}

const whichResult = 'must say which result it is: /api/result?task_id=…&step=…, as a task’s view gives it'

function fileFault(value: string, policy: ImagePolicy, kind: Kind): string | undefined {
  if (/^\s*data:/i.test(value)) return dataUriFault(value, kind)
  // Whether it is there, and the user's own, is found out when it is copied.
  if (uploadId(value) || parseShared(value)) return undefined
  if (isResultAddress(value)) return parseOwnResult(value) ? undefined : whichResult
  if (value.startsWith('/api/')) return 'must be a picture; this address of ours is none'
  if (isAmbiguous(value)) return ambiguousAddress
  const url = URL.parse(value)
  if ((url?.href ?? value).length > maxUrl) return `must be at most ${maxUrl} characters long`
  if (!url || (url.protocol !== 'https:' && !(policy.allowPrivate && url.protocol === 'http:'))) {
    const web = policy.allowPrivate ? 'an http or https URL' : 'an https URL'
    return `must be ${web}, the address of an upload, or a data URI of ${kind.called}`
  }
  if (url.username || url.password) return 'must not carry a user name or password'
  if (!policy.allowPrivate && !isPublicHost(url.hostname)) return 'must name a public host'
  if (policy.hosts.length > 0 && !policy.hosts.some((host) => isHostOrSubdomain(url.hostname, host))) {
    return `must name one of these hosts: ${policy.hosts.join(', ')}`
  }
  return undefined
}

function dataUriFault(value: string, { called, types }: Kind): string | undefined {
  if (value.length > maxDataUri) return 'must be at most 4 MB as a file; send a URL instead'
  const uri = parseDataUri(value)
  return uri && uri.data !== '' && types.includes(uri.type) ? undefined : `must be a data URI of ${called}`
}

function isHostOrSubdomain(hostname: string, host: string): boolean {
  return hostname === host || hostname.endsWith(`.${host}`)
}
