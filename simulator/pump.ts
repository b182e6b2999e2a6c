// Sends the simulator's webhooks over HTTP when they are due, a bounded number at once, and reports how each went.
// It sleeps until the next due instant; the server wakes it after every request, which may have brought a new one.

import pLimit from 'p-limit'
import { Agent, request } from 'undici'

/** A provider's webhooks: due ones are taken out, sent, and reported. */
interface WebhookSource<D extends Sendable> {
  dueWebhooks(): Promise<D[]>
  nextWebhookAt(): Date | null
  reportWebhook(delivery: D, delivered: boolean): void
}

interface Sendable {
  readonly url: string
  readonly headers: Record<string, string>
  readonly body: string
}

interface Pump {
  wake(): void
  close(): Promise<void>
}

const atOnce = 16
// Replicate wants an answer "within a few seconds", fal within 15.
const answerWithinMs = 5000
const longestSleepMs = 60_000

export function startPump<D extends Sendable>(source: WebhookSource<D>, now: () => Date): Pump {
  const agent = new Agent({ connections: atOnce, headersTimeout: answerWithinMs, bodyTimeout: answerWithinMs })
  const inTurn = pLimit(atOnce)
  let timer: NodeJS.Timeout | undefined
  let taking = false
  let closed = false

  const wake = () => {
    clearTimeout(timer)
    const next = source.nextWebhookAt()
    if (closed || taking || next === null) return
    const wait = Math.min(Math.max(0, next.getTime() - now().getTime()), longestSleepMs)
    timer = setTimeout(take, wait)
    timer.unref()
  }
  const take = async () => {
    taking = true
    const deliveries = await source.dueWebhooks()
    taking = false
    for (const delivery of deliveries) {
      void inTurn(async () => {
        source.reportWebhook(delivery, await send(delivery, agent))
        wake()
      })
    }
    wake()
  }
  return {
    wake,
    async close() {
      closed = true
      clearTimeout(timer)
      await agent.destroy()
    },
  }
}

/** Whether the receiver took it; redirects aren't followed, so they count as a refusal. */
async function send({ url, headers, body }: Sendable, dispatcher: Agent): Promise<boolean> {
  try {
    const response = await request(url, { method: 'POST', headers, body, dispatcher })
    await response.body.dump()
    return response.statusCode >= 200 && response.statusCode < 300
  } catch {
    // No receiver, no answer in time, a broken connection: to the sender they are all the same refusal.
    return false
  }
}
