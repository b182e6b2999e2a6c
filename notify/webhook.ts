// Events as signed webhooks, by the standard of https://www.standardwebhooks.com: for an app around Stepgate, at the deployment's NOTIFY_URL
// or at the `notify_url` of one task. Its host is never a private one, and redirects are not followed.
import type { Delivery, SendResult } from '../core/event.ts'
import { adviceFor } from '../core/poll-advice.ts'
import { taskView } from '../core/view.ts'
import { signMessage } from '../providers/signature.ts'
import type { Channel, NotifyDeps } from './channel.ts'
import { postOnce } from './post.ts'

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
  return postOnce(deps, { url, headers, body, receiver: 'the receiver', endOf })
}

const endOf = (status: number) =>
  status === 410 ? ({ kind: 'gone', reason: 'the receiver answers 410 Gone' } as const) : undefined

/** The same in every repetition: nothing in it depends on when it is sent. */
function bodyOf(deps: NotifyDeps, { id, type, at, user_id, task, budget }: Delivery): object {
  const view = taskView(task, adviceFor(deps, task, at))
  return { id, type, at: at.toISOString(), user_id, task: view, ...(budget && { budget }) }
}
