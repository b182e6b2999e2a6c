// Sends one event to an address that somebody else wrote: once, within a deadline, and never into a private network. The webhook and push
// channels send with it, and say what a status means to them.
import type { SendResult } from '../core/event.ts'
import { isOwnMachine } from '../core/notify-settings.ts'
import { retryAfterOf } from '../providers/answer.ts'
import { ForbiddenAddress, type HttpRequest } from '../providers/connection.ts'
import type { NotifyDeps } from './channel.ts'

const timeoutMs = 10_000

interface Post extends Pick<HttpRequest, 'url' | 'headers' | 'body' | 'bytes'> {
  /** Who answers, in words. */
  receiver: string
  /** What it means by a status that ends the event; undefined: it may take it another time. */
  endOf(status: number): Extract<SendResult, { kind: 'gone' | 'refused' }> | undefined
}

export async function postOnce({ config, http }: NotifyDeps, { receiver, endOf, ...post }: Post): Promise<SendResult> {
  const isForeign = !isOwnMachine(config, new URL(post.url).hostname)
  try {
    const how = { timeoutMs, isForeign, isPathSecret: true, isMessage: true }
    const response = await http.send({ method: 'POST', ...post, ...how })
    const { status } = response
    if (status >= 200 && status < 300) return { kind: 'delivered' }
    const later = {
      kind: 'later',
      reason: `${receiver} answers ${status}`,
      retryAfterSeconds: retryAfterOf(response),
    } as const
    return endOf(status) ?? later
  } catch (error) {
    if (error instanceof ForbiddenAddress) return { kind: 'gone', reason: error.message }
    throw error
  }
}
