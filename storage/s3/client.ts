// Signed requests to an S3-compatible store, each within a deadline, repeated while there is time. storage/s3/store.ts uses it.
import { AwsV4Signer } from 'aws4fetch'
import { sendWithRetries } from '../retry.ts'
import { sendBlob } from '../send.ts'
import type { AddressOptions } from '../store.ts'
import { codeOf } from './answer.ts'

export interface S3Access {
  /** `https://<account>.r2.cloudflarestorage.com`, `https://s3.eu-central-1.amazonaws.com`, … without the bucket. */
  endpoint: string
  /** Where people and providers reach it, if that is another address. */
  publicEndpoint?: string | undefined
  bucket: string
  region: string
  accessKeyId: string
  secretAccessKey: string
}

interface S3Request {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  key?: string
  query?: Record<string, string>
  headers?: Record<string, string>
  body?: ArrayBuffer | string
  /** The body of a good answer is read by the caller, after the deadline. */
  isStream?: boolean
}

export interface S3Client {
  /** As `sendWithRetries` gives and throws it. */
  send(request: S3Request): Promise<Response>
  /** An address at which anybody may GET the object for so long: at most seven days, which is what S3 allows. */
  presign(key: string, seconds: number, options: AddressOptions): Promise<string>
  /** Names an object of the same bucket, for a copy within it. */
  sourceOf(key: string): string
  until(signal: AbortSignal): S3Client
}

const service = 's3'
const mostLinkSeconds = 7 * 24 * 3_600
/** Links of one such span are the same, so that a browser that is sent to one again finds the picture in its cache. */
const linkSpanMs = 5 * 60_000

export function openS3Client(access: S3Access, patienceMs: number, signal?: AbortSignal): S3Client {
  return {
    send: (request) => {
      const { isStream = false } = request
      const options = { store: 'The S3 store', patienceMs, signal, isStream, codeOf }
      return sendWithRetries((given) => sendOnce(access, request, given), options)
    },
    presign: (key, seconds, options) => presign(access, key, seconds, options),
    sourceOf: (key) => `/${access.bucket}/${pathOf(key)}`,
    until: (caller) => openS3Client(access, patienceMs, caller),
  }
}

const pathOf = (key: string) => key.split('/').map(encodeURIComponent).join('/')

/** Path style: every kind of server knows it. */
function addressOf(endpoint: string, bucket: string, key = ''): URL {
  return new URL(`${endpoint.replace(/\/+$/, '')}/${bucket}${key && `/${pathOf(key)}`}`)
}

/** A space is signed as %20; servers differ in what a plus sign is to them. */
const withoutPlus = (url: URL): string => url.href.replaceAll('+', '%20')

async function presign(access: S3Access, key: string, seconds: number, options: AddressOptions): Promise<string> {
  const url = addressOf(access.publicEndpoint ?? access.endpoint, access.bucket, key)
  const spanAt = Math.floor(Date.now() / linkSpanMs) * linkSpanMs
  // Good for so long from now on, wherever in its span this is.
  const expires = Math.min(Math.max(1, Math.ceil(seconds)) + linkSpanMs / 1_000, mostLinkSeconds)
  url.searchParams.set('X-Amz-Expires', String(expires))
  if (options.disposition) url.searchParams.set('response-content-disposition', options.disposition)
  if (options.cacheControl) url.searchParams.set('response-cache-control', options.cacheControl)
  const datetime = new Date(spanAt).toISOString().replaceAll(/[:-]|\.\d{3}/g, '')
  const signer = new AwsV4Signer({ ...access, service, url: url.href, method: 'GET', signQuery: true, datetime })
  return withoutPlus((await signer.sign()).url)
}

async function sendOnce(access: S3Access, request: S3Request, signal: AbortSignal): Promise<Response> {
  const { method, key, query = {}, headers = {}, body } = request
  const address = addressOf(access.endpoint, access.bucket, key)
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value)
  const signer = new AwsV4Signer({ ...access, service, url: address.href, method, headers })
  const { url, headers: signed } = await signer.sign()
  // A bucket of another region redirects; the signature would be wrong there, so it is a fault to be read.
  const init = { method, headers: signed, signal, redirect: 'manual' as const, ...(body !== undefined && { body }) }
  return sendBlob(withoutPlus(url), init)
}
