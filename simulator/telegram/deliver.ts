// Delivers updates to the bot's webhook, one after another, each again until it is answered 2xx, as Telegram does.
import { setTimeout as sleep } from 'node:timers/promises'
import type { State, Update } from './state.ts'

const answerWithinMs = 20_000
/** Telegram waits longer and longer; a person is watching here. */
const repeatMs = 500
/** "A reasonable amount of attempts": Telegram doesn't say how many. */
const mostTries = 20

export interface Deliveries {
  /** Sends what waits, unless that is under way already. */
  wake(): void
  /** Resolves when every update so far was taken or given up. */
  settled(): Promise<void>
  close(): Promise<void>
}

export function startDeliveries(state: State): Deliveries {
  const closed = new AbortController()
  let running: Promise<void> | undefined
  const run = async () => {
    for (let [update] = state.pending; update && state.webhook && !closed.signal.aborted; [update] = state.pending) {
      const isTwice = state.faults.take('update', ['repeat']) !== undefined
      await deliver(state, update, closed.signal)
      if (isTwice) await deliver(state, update, closed.signal)
      state.pending = state.pending.filter((one) => one !== update)
    }
  }
  const wake = () => {
    if (running || state.pending.length === 0) return
    running = run().finally(() => {
      running = undefined
    })
  }
  return {
    wake,
    async settled() {
      wake()
      await running
    },
    async close() {
      closed.abort()
      await running
    },
  }
}

async function deliver(state: State, update: Update, closed: AbortSignal): Promise<void> {
  for (let tries = 0; tries < mostTries && !closed.aborted; tries += 1) {
    const { webhook } = state
    if (!webhook) return
    const [kind = ''] = Object.keys(update.body)
    if (webhook.allowed && webhook.allowed.length > 0 && !webhook.allowed.includes(kind)) return
    if (await post(state, webhook, update, closed)) return
    await sleep(repeatMs, undefined, { signal: closed }).catch(() => undefined)
  }
}

async function post(
  state: State,
  { url, secret }: NonNullable<State['webhook']>,
  { update_id, body }: Update,
  closed: AbortSignal,
): Promise<boolean> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(secret !== undefined && { 'x-telegram-bot-api-secret-token': secret }),
      },
      body: JSON.stringify({ update_id, ...body }),
      signal: AbortSignal.any([closed, AbortSignal.timeout(answerWithinMs)]),
      redirect: 'manual',
    })
    await response.body?.cancel()
    state.lastError = response.ok ? undefined : `Wrong response from the webhook: ${response.status}`
    return response.ok
  } catch (error) {
    state.lastError = (error as Error).message
    return false
  }
}
