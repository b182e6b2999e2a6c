// What Replicate's requests and answers have in common: the call with its token and deadlines, the fields of a prediction, its words.
import type { Created } from '../../core/provider.ts'
import { parseWebAddress } from '../../core/web-address.ts'
import type { HttpRequest, HttpResponse } from '../connection.ts'
import type { Http } from '../http.ts'
import { wordsOf } from '../words.ts'

export interface ReplicateOptions {
  http: Http
  token: string
  baseUrl: string
  submitTimeoutMs: number
  checkTimeoutMs: number
  webhookSecret: string | undefined
}

/** The fields we read of a prediction; statuses and further fields may grow, so everything is checked where it is used. */
export interface ReplicatePrediction {
  id: string
  status: string
  output?: unknown
  error?: unknown
  data_removed?: boolean
  metrics?: unknown
  version?: string
  model?: string
  input?: Record<string, unknown> | null
  urls?: { get?: unknown; cancel?: unknown }
}

export type Call = (
  method: 'GET' | 'POST',
  path: string,
  more?: Pick<HttpRequest, 'body' | 'headers' | 'mayBegin'>,
) => Promise<HttpResponse>

export function caller({ http, token, baseUrl, submitTimeoutMs, checkTimeoutMs }: ReplicateOptions): Call {
  return (method, path, { headers, ...more } = {}) =>
    http.send({
      method,
      url: path.startsWith('/') ? baseUrl + path : path,
      headers: { authorization: `Bearer ${token}`, ...headers },
      timeoutMs: more.body ? submitTimeoutMs : checkTimeoutMs,
      ...more,
    })
}

export function readCreated(body: unknown): Created | undefined {
  const { id, urls } = (body ?? {}) as Partial<ReplicatePrediction>
  if (typeof id !== 'string' || id === '') return undefined
  const [get, cancel] = [urls?.get, urls?.cancel].map((url) => parseWebAddress(url)?.href)
  return { prediction_id: id, urls: { ...(get && { get }), ...(cancel && { cancel }) } }
}

export function reasonOf(response: HttpResponse): string {
  const { title, detail } = (response.body ?? {}) as { title?: unknown; detail?: unknown }
  const told = [title, detail].map((word) => wordsOf(word)).filter(Boolean)
  const words = told.join(': ') || wordsOf(response.body)
  return `Replicate answered ${response.status}${words && `: ${words}`}`
}
