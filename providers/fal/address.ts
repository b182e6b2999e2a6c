// Where fal's requests are found, and who is given the key. fal returns the addresses with each submission and asks not to
// build them; only for a request that a list or a webhook names, which carry none, are they made here by fal's own rule.
import type { ProviderUrls } from '../../core/task.ts'
import { parseWebAddress } from '../../core/web-address.ts'
import { HttpFailure, type HttpRequest, type HttpResponse } from '../connection.ts'
import type { Http } from '../http.ts'

export interface FalOptions {
  http: Http
  key: string
  queueUrl: string
  apiUrl: string
  jwksUrl: string
  submitTimeoutMs: number
  checkTimeoutMs: number
}

export type FalCall = (
  method: HttpRequest['method'],
  url: string | undefined,
  more?: Pick<HttpRequest, 'body' | 'headers' | 'mayBegin'>,
) => Promise<HttpResponse>

/** Fails before anything is sent where an address isn't fal's, or isn't known: it would be given the key. */
export function caller({ http, key, queueUrl, apiUrl, submitTimeoutMs, checkTimeoutMs }: FalOptions): FalCall {
  const own = [queueUrl, apiUrl]
  return async (method, url, { headers, ...more } = {}) => {
    if (!url || !isAt(url, own)) {
      throw new HttpFailure(
        { method, url: queueUrl },
        false,
        new Error("the request's address is not known, or not fal's"),
      )
    }
    return http.send({
      method,
      url,
      headers: { authorization: `Key ${key}`, ...headers },
      timeoutMs: more.body ? submitTimeoutMs : checkTimeoutMs,
      ...more,
    })
  }
}

function isAt(url: string, own: readonly string[]): boolean {
  return own.some((base) => parseWebAddress(url)?.origin === new URL(base).origin)
}

/** Endpoints in these have one part more before their path. */
const namespaces = new Set(['workflows', 'comfy'])

/** Owner and app without the endpoint's path, as fal's own clients build them. */
export function builtUrls(queueUrl: string, model: string, requestId: string): Required<ProviderUrls> {
  const parts = model.split('/')
  const app = parts.slice(0, namespaces.has(parts[0] ?? '') ? 3 : 2).map(encodeURIComponent)
  const request = `${queueUrl}/${app.join('/')}/requests/${encodeURIComponent(requestId)}`
  return { get: `${request}/status`, response: request, cancel: `${request}/cancel` }
}

/** The addresses that fal returned. One that is missing, or leads elsewhere than to fal, gives way to the built one. */
export function returnedUrls({ queueUrl, apiUrl }: FalOptions, model: string, body: Record<string, unknown>) {
  const urls = builtUrls(queueUrl, model, String(body['request_id']))
  for (const [name, returned] of [
    ['get', body['status_url']],
    ['response', body['response_url']],
    ['cancel', body['cancel_url']],
  ] as const) {
    const address = parseWebAddress(returned)?.href
    if (address && isAt(address, [queueUrl, apiUrl])) urls[name] = address
  }
  return urls
}
