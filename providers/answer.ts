// What is read out of an answer to a request of ours: its JSON, and how long the other side asks us to wait. Providers, channels and
// webhooks call it.
import type { HttpResponse } from './connection.ts'

/** Seconds to wait, from the body (which Replicate fills) or the header. */
export function retryAfterOf(response: HttpResponse): number | undefined {
  const { retry_after } = (response.body ?? {}) as { retry_after?: unknown }
  const value = Number(retry_after ?? response.headers['retry-after'])
  return Number.isFinite(value) && value > 0 ? Math.min(Math.ceil(value), 3_600) : undefined
}

/** Undefined when the text isn't JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // A proxy's HTML page, or a cut body: the caller judges by the status.
  }
}
