// Events as web push messages: a few words that the service worker shows, and the task that a tap opens. The library encrypts them for the browser; they
// are sent by our own client, once, within its deadline.
import webPush from 'web-push'
import * as z from 'zod'
import type { Delivery, SendResult } from '../core/event.ts'
import type { Channel, NotifyDeps } from './channel.ts'
import { postOnce } from './post.ts'
import { isPushService } from './push-address.ts'

/** A listener's address, as functions/push.ts writes it. */
const address = z.object({
  endpoint: z.string(),
  keys: z.object({ p256dh: z.string(), auth: z.string() }),
  language: z.enum(['en', 'ru']),
})
type Address = z.infer<typeof address>

/** A browser that comes back later than this has nothing left to decide. */
const ttlSeconds = 3 * 24 * 3_600

export function openPush(deps: NotifyDeps): Channel {
  return { send: (delivery) => send(deps, delivery) }
}

async function send(deps: NotifyDeps, delivery: Delivery): Promise<SendResult> {
  const { data: subscription } = address.safeParse(delivery.address)
  if (!subscription || !isPushService(deps.config, subscription.endpoint))
    return { kind: 'gone', reason: 'there is no such subscription' }
  const { type } = delivery
  if (type === 'task.step_completed') return { kind: 'refused', reason: 'browsers are not told of it' }
  const message = encrypted(deps, { ...delivery, type }, subscription)
  return postOnce(deps, { url: subscription.endpoint, ...message, receiver: 'the push service', endOf })
}

function endOf(status: number) {
  const reason = `the push service answers ${status}`
  if (status === 404 || status === 410) return { kind: 'gone', reason } as const
  if (status === 413) return { kind: 'refused', reason } as const
  return undefined
}

function encrypted(
  { config }: NotifyDeps,
  { id, type, task }: Delivery & { type: Pushed },
  { endpoint, keys, language }: Address,
) {
  const { VAPID_SUBJECT: subject = '', VAPID_PUBLIC_KEY: publicKey = '', VAPID_PRIVATE_KEY: privateKey = '' } = config
  const [title, body] = words[language](task.current_step, task.total_steps)[type]
  const payload = JSON.stringify({ id, type, task_id: task.id, title, body })
  const { headers, body: bytes } = webPush.generateRequestDetails({ endpoint, keys }, payload, {
    vapidDetails: { subject, publicKey, privateKey },
    TTL: ttlSeconds,
    urgency: 'high',
    // Of a task that a browser has not fetched yet, only the newest is shown.
    topic: task.id.replaceAll('-', ''),
  })
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)])
  return { headers: Object.fromEntries(lower) as Record<string, string>, bytes }
}

/** A step that goes on by itself is told to chats alone. */
type Pushed = Exclude<Delivery['type'], 'task.step_completed'>
type Says = Record<Pushed, readonly [title: string, body: string]>

const words: Record<Address['language'], (step: number, steps: number) => Says> = {
  en: (step, steps) => ({
    'task.waiting': [`Step ${step} of ${steps} is ready`, 'Look at it and decide how it goes on.'],
    'task.completed': ['It is ready', 'Every step is done. Tap to see the result.'],
    'task.failed': ['It did not work', `Step ${step} of ${steps} failed. Tap to try again.`],
    'task.canceled': ['It was closed', 'Nobody continued in time. What was made is still there.'],
    'task.gate_closing': ['It still waits for you', `Step ${step} of ${steps} closes within a day.`],
    'budget.reached': ['The day’s budget is nearly used up', 'Tap to see what is left.'],
  }),
  ru: (step, steps) => ({
    'task.waiting': [`Шаг ${step} из ${steps} готов`, 'Посмотрите и решите, что дальше.'],
    'task.completed': ['Готово', 'Все шаги сделаны. Нажмите, чтобы увидеть результат.'],
    'task.failed': ['Не получилось', `Ошибка на шаге ${step} из ${steps}. Нажмите, чтобы попробовать ещё раз.`],
    'task.canceled': ['Закрыто', 'Вы не продолжили вовремя. Всё, что сделано, сохранилось.'],
    'task.gate_closing': ['Ждёт вашего решения', `Шаг ${step} из ${steps} закроется в течение суток.`],
    'budget.reached': ['Дневной бюджет почти исчерпан', 'Нажмите, чтобы увидеть, сколько осталось.'],
  }),
}
