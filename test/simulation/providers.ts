// Both simulated providers behind one till: what was created, for which attempt, how it ended, and what we have done to it.
import { createFal, type Fal, type Delivery as FalDelivery } from '../../simulator/fal/index.ts'
import type { FaultInput } from '../../simulator/faults.ts'
import { createReplicate, type Replicate, type Delivery as ReplicateDelivery } from '../../simulator/replicate/index.ts'
import { falUrl, replicateUrl, type Weather, webhookSecret } from './weather.ts'
import type { Attempt } from './witness.ts'

export interface Paid {
  provider: 'replicate' | 'fal'
  id: string
  /** Of the attempt that sent its create. */
  mark: string
  input: Record<string, unknown>
  status: 'running' | 'succeeded' | 'failed' | 'canceled'
  createdAt: number
  /** How long it ran, where its provider measures that. */
  seconds?: number | null
}

export interface Providers {
  replicate: Replicate
  fal: Fal
  /** Second predictions that a provider made of one create, and the first of each. */
  doubles: Map<string, string>
  /** Who sent the create of a prediction. */
  marks: Map<string, string>
  /** What the account has beside ours. */
  neighbours: Set<string>
  /** What we told a provider to make of a prediction. */
  outcomes: Map<string, string>
  /** Attempts, by their marks, whose request a provider refused for good. */
  rejected: Set<string>
  predictions(): Paid[]
}

export function openProviders(weather: Weather, now: () => Date): Providers {
  const { secondsPerStep, secondsPerTraining, showsUnfinished } = weather
  const replicate = createReplicate({
    ...{ baseUrl: replicateUrl, webhookSecret, now, secondsPerStep, drawing: false },
    newId: counted('prediction'),
  })
  const fal = createFal({
    ...{ baseUrl: falUrl, now, secondsPerTraining, drawing: false, signingSeed: 'simulation', weightsBytes: 2_048 },
    newId: counted('request'),
  })
  fal.set({ list_unfinished: showsUnfinished })
  const neighbours = new Set<string>()
  const marks = new Map<string, string>()
  const markOf = (id: string) => ({ mark: marks.get(id) ?? '' })
  return {
    ...{ replicate, fal, neighbours, marks, doubles: new Map(), outcomes: new Map(), rejected: new Set() },
    predictions: () => [
      ...replicate
        .till()
        .predictions.filter(({ id }) => !neighbours.has(id))
        .map(({ id, input, status, created_at, predict_seconds: seconds }) => ({
          ...{ id, input, createdAt: Date.parse(created_at), seconds, ...markOf(id) },
          provider: 'replicate' as const,
          status: endings[status],
        })),
      ...fal.till().predictions.map(({ id, input, ending, created_at }) => ({
        ...{ id, input, createdAt: Date.parse(created_at), ...markOf(id) },
        provider: 'fal' as const,
        status: ending ?? ('running' as const),
      })),
    ],
  }
}

const endings = {
  starting: 'running',
  processing: 'running',
  succeeded: 'succeeded',
  failed: 'failed',
  canceled: 'canceled',
  aborted: 'canceled',
} as const

export const attemptOf = (attempts: Map<string, Attempt>, { mark }: Pick<Paid, 'mark'>): Attempt | undefined =>
  attempts.get(mark)

export type Delivery = ({ provider: 'replicate' } & ReplicateDelivery) | ({ provider: 'fal' } & FalDelivery)

const isDue = (at: Date | null, now: Date) => at !== null && at <= now

export async function dueWebhooks({ replicate, fal }: Providers, now: Date): Promise<Delivery[]> {
  const due: Delivery[] = []
  // Asked only when there is one: this is looked for after every event.
  if (isDue(replicate.nextWebhookAt(), now)) {
    for (const delivery of await replicate.dueWebhooks())
      due.push(Object.assign(delivery, { provider: 'replicate' as const }))
  }
  if (isDue(fal.nextWebhookAt(), now)) {
    for (const delivery of await fal.dueWebhooks()) due.push(Object.assign(delivery, { provider: 'fal' as const }))
  }
  return due
}

export function reportWebhook({ replicate, fal }: Providers, delivery: Delivery, isDelivered: boolean): void {
  if (delivery.provider === 'fal') fal.reportWebhook(delivery, isDelivered)
  else replicate.reportWebhook(delivery, isDelivered)
}

const outcomes: readonly FaultInput[] = [
  { on: 'outcome', fault: 'failed' },
  { on: 'outcome', fault: 'canceled' },
  { on: 'outcome', fault: 'aborted' },
  { on: 'outcome', fault: 'data_removed' },
  { on: 'outcome', fault: 'no_output' },
]
const falOutcomes: readonly FaultInput[] = [
  ...outcomes,
  { on: 'outcome', fault: 'result_only' },
  { on: 'outcome', fault: 'rerun' },
  { on: 'webhook', fault: 'payload_error' },
  { on: 'webhook', fault: 'bad_signature' },
  { on: 'webhook', fault: 'mismatched_id' },
]

/** The next prediction fails in some way, takes longer than anybody waits, or a cancel is not heeded. */
export function spoilNext(providers: Providers, pick: <T>(items: readonly T[]) => T): void {
  const name = pick(['replicate', 'replicate', 'fal'] as const)
  const endless: FaultInput = { on: 'outcome', fault: 'seconds', seconds: name === 'fal' ? 100_000 : 20_000 }
  const ignored: FaultInput = { on: 'cancel', fault: 'ignored' }
  providers[name].addFaults([pick([...(name === 'fal' ? falOutcomes : outcomes), endless, ignored])])
}

function counted(prefix: string): () => string {
  let count = 0
  return () => {
    count += 1
    return `${prefix}${count}`
  }
}
