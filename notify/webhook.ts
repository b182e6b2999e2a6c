// Events as signed webhooks, by the standard of https://www.standardwebhooks.com: for an app around Stepgate, at the deployment's NOTIFY_URL
// or at the `notify_url` of one task. Its host is never a private one, and redirects are not followed.
import type { Delivery, SendResult } from '../core/event.ts'
import { isOwnMachine } from '../core/notify-settings.ts'
import { adviceFor } from '../core/poll-advice.ts'
import { taskView } from '../core/view.ts'
import { ForbiddenAddress } from '../providers/connection.ts'
import { retryAfterOf } from '../providers/http.ts'
import { signMessage } from '../providers/signature.ts'
import type { Channel, NotifyDeps } from './channel.ts'

const timeoutMs = 10_000

export function openWebhook(deps: NotifyDeps): Channel {
  return { send: (delivery) => send(deps, delivery) }
}

async function send(deps: NotifyDeps, delivery: Delivery): Promise<SendResult> {
  const { NOTIFY_URL, NOTIFY_SECRET } = deps.config
  const url = delivery.receiver === 'url' ? NOTIFY_URL : delivery.address
  if (typeof url !== 'string' || !NOTIFY_SECRET) return { kind: 'gone', reason: 'there is no address any more' }
  const body = bodyOf(deps, delivery)
  const secrets = NOTIFY_SECRET.split(' ').filter(Boolean)
  const headers = signMessage(secrets, delivery.id, deps.now?.() ?? new Date(), JSON.stringify(body))
  const isForeign = !isOwnMachine(deps.config, new URL(url).hostname)
  try {
    const response = await deps.http.send({
      method: 'POST',
      url,
      headers,
      body,
      timeoutMs,
      isForeign,
      isPathSecret: true,
    })
    const { status } = response
    if (status >= 200 && status < 300) return { kind: 'delivered' }
    if (status === 410) return { kind: 'gone', reason: 'the receiver answers 410 Gone' }
    return { kind: 'later', reason: `the receiver answers ${status}`, retryAfterSeconds: retryAfterOf(response) }
  } catch (error) {
    if (error instanceof ForbiddenAddress) return { kind: 'gone', reason: error.message }
    throw error
  }
}

/** The same in every repetition: nothing in it depends on when it is sent. */
function bodyOf(deps: NotifyDeps, { id, type, at, task, budget }: Delivery): object {
  const view = taskView(task, adviceFor(deps, task, at))
  return { id, type, at: at.toISOString(), task: view, ...(budget && { budget }) }
}
