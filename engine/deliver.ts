// Delivers what is to be told: claims it from the outbox, hands each event to its channel, and records what became of it. journal.ts calls it
// after every statement that has written events, for that statement's tasks; passes over everything call it for what was left.
import pLimit from 'p-limit'
import { endsWithin } from '../core/deadline.ts'
import { type ChannelKind, type Delivery, pauseSeconds, type SendResult } from '../core/event.ts'
import { claimDeliveries, type Delivered, deliveryLeaseSeconds, recordDeliveries } from '../db/statements/outbox.ts'
import type { Channel } from '../notify/channel.ts'
import { openChannel } from '../notify/index.ts'
import { clockOf, type Deps } from './deps.ts'

/** Of one claim. */
const batch = 200
/** One try, whatever its channel does. */
const sendMs = 15_000
/** At once; and at one receiver, so that a slow one leaves room for the others. */
const sendsAtOnce = 32
const sendsToOne = 4
/** So many failures at one receiver, and what else waits for it is left for another run. */
const mostFailures = 3
const restSeconds = 60

interface DeliverOptions {
  /** Only what these tasks have to tell. */
  taskIds?: readonly string[]
  /** Begins nothing after this long. */
  seconds?: number
}

/** Gives how many events were tried. */
export async function deliver(deps: Deps, { taskIds, seconds = 15 }: DeliverOptions = {}): Promise<number> {
  const started = performance.now()
  const run = openRun(deps, () => performance.now() - started > seconds * 1000)
  let tried = 0
  for (;;) {
    const sendBy = new Date(clockOf(deps).getTime() + deliveryLeaseSeconds * 1000 - sendMs)
    const { claim, deliveries, isCut } = await claimDeliveries(deps.db, { limit: batch, taskIds, now: deps.now?.() })
    if (deliveries.length === 0) return tried
    tried += deliveries.length
    const outcomes = await Promise.all(deliveries.map((delivery) => run.send(delivery, sendBy)))
    const recorded = await record(deps, claim, deliveries, outcomes)
    if (run.isLate() || !(isCut || deliveries.length === batch || recorded.some(({ has_next }) => has_next)))
      return tried
  }
}

/** What one run knows of its receivers. */
function openRun(deps: Deps, isLate: () => boolean) {
  const limit = pLimit(sendsAtOnce)
  const receivers = new Map<string, { limit: ReturnType<typeof pLimit>; failures: number }>()
  const receiverOf = (delivery: Delivery) => {
    const key = keyOf(delivery)
    const known = receivers.get(key) ?? { limit: pLimit(sendsToOne), failures: 0 }
    receivers.set(key, known)
    return known
  }
  const send = (delivery: Delivery, sendBy: Date): Promise<Delivered> => {
    const receiver = receiverOf(delivery)
    return receiver.limit(() =>
      limit(async () => {
        const { id } = delivery
        if (isLate() || clockOf(deps) > sendBy) return { id, kind: 'unsent', retry_in: 0 }
        if (receiver.failures >= mostFailures) return { id, kind: 'unsent', retry_in: restSeconds }
        const outcome = await sendOnce(deps, delivery)
        receiver.failures = outcome.kind === 'later' ? receiver.failures + 1 : 0
        return outcome
      }),
    )
  }
  return { send, isLate }
}

/** One address. Tasks' own addresses on one host stand or fall together. */
function keyOf({ receiver, address }: Delivery): string {
  return receiver === 'task-url' ? `task-url ${URL.parse(String(address))?.origin}` : receiver
}

async function sendOnce(deps: Deps, delivery: Delivery): Promise<Delivered> {
  const { id, channel: kind, tries, address, receiver, task } = delivery
  if (address === null && receiver !== 'url') return { id, kind: 'gone', reason: 'nobody listens there any more' }
  try {
    const channel = await channelOf(deps, kind)
    if (!channel) return { id, kind: 'refused', reason: `the channel ${kind} is not configured any more` }
    const result = await sendInTime(deps, channel, delivery)
    if (result.kind !== 'later') return { id, ...result }
    const { reason, retryAfterSeconds } = result
    return { id, kind: 'later', reason, retry_in: pauseSeconds(tries, task.id, retryAfterSeconds) }
  } catch (error) {
    return { id, kind: 'later', reason: (error as Error).message, retry_in: pauseSeconds(tries, task.id) }
  }
}

/** Whatever its channel does. */
async function sendInTime(deps: Deps, channel: Channel, delivery: Delivery): Promise<SendResult> {
  const late = new AbortController()
  const sending = channel.send(delivery, late.signal)
  if (await endsWithin(sendMs, sending, deps.wait)) return sending
  late.abort()
  sending.catch(() => undefined)
  return { kind: 'later', reason: 'no answer in time' }
}

const opened = new WeakMap<Deps, Map<ChannelKind, Promise<Channel | undefined>>>()

/** Opened with its first delivery. One that could not be opened is tried again with the next. */
function channelOf(deps: Deps, kind: ChannelKind): Promise<Channel | undefined> {
  const own = opened.get(deps) ?? new Map<ChannelKind, Promise<Channel | undefined>>()
  opened.set(deps, own)
  const opening =
    own.get(kind) ??
    openChannel(kind, deps).catch((error) => {
      own.delete(kind)
      throw error
    })
  own.set(kind, opening)
  return opening
}

async function record(deps: Deps, claim: string, deliveries: readonly Delivery[], outcomes: readonly Delivered[]) {
  // What is tried again may be due sooner than a pass, which saw the claim alone, has told the wake mark.
  if (outcomes.some(({ kind }) => kind === 'later' || kind === 'unsent')) {
    const raised = deps.wake.raise()
    await raised.catch((error) => deps.log.error({ err: error }, 'the wake mark could not be raised'))
  }
  const recorded = await recordDeliveries(deps.db, claim, outcomes, { now: deps.now?.() })
  const did = new Map(recorded.map((row) => [row.id, row.did]))
  for (const [index, { id, type, channel, task, tries }] of deliveries.entries()) {
    const outcome = outcomes[index]
    const reason = outcome && 'reason' in outcome ? outcome.reason : undefined
    const told = { event: id, type, channel, task: task.id, tries, ...(reason && { reason }) }
    if (did.get(id) === 'given_up') deps.log.error(told, 'an event was given up')
    else if (outcome?.kind === 'later') deps.log.warn(told, 'an event was not taken yet')
    else deps.log.info({ ...told, did: did.get(id) ?? 'lost its claim' }, 'told')
  }
  return recorded
}
