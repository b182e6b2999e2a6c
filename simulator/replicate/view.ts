// The prediction object as Replicate's API shows it at an instant; lists leave the webhook out.

import { linkedFiles } from '../jobs/files.ts'
import { isOver, runSeconds, startOf } from '../jobs/job.ts'
import { isRemoved, type Prediction, type State, statusAt } from './protocol.ts'

const iso = (instant: number) => new Date(instant).toISOString()

export function view(state: State, prediction: Prediction, now: number) {
  const { id, model, createdAt, endsAt, own } = prediction
  const { baseUrl } = state.options
  const startsAt = startOf(prediction)
  const status = statusAt(prediction, now)
  const over = isOver(prediction, now)
  const started = now >= startsAt
  const removed = isRemoved(state, prediction, now)
  return {
    id,
    model: model.name,
    version: model.version ?? 'hidden',
    input: removed ? null : prediction.input,
    output: status === 'succeeded' && !removed ? outputOf(state, prediction) : null,
    error: over && prediction.ending === 'failed' ? own.error : null,
    logs: removed ? null : logsOf(prediction, started, over),
    status,
    source: 'api',
    data_removed: removed,
    ...(own.deadline !== null && { deadline: iso(own.deadline) }),
    metrics: over && started ? { predict_time: runSeconds(prediction), total_time: (endsAt - createdAt) / 1000 } : {},
    created_at: iso(createdAt),
    started_at: started ? iso(startsAt) : null,
    completed_at: over ? iso(endsAt) : null,
    urls: {
      get: `${baseUrl}/v1/predictions/${id}`,
      cancel: `${baseUrl}/v1/predictions/${id}/cancel`,
      web: `${baseUrl}/p/${id}`,
    },
  }
}

/** As creates, looks and webhooks tell it: with where it is reported. */
export function viewWithWebhook(state: State, prediction: Prediction, now: number) {
  const { webhook, own } = prediction
  return { ...view(state, prediction, now), ...(webhook !== null && { webhook, webhook_events_filter: own.events }) }
}

function outputOf(state: State, prediction: Prediction): unknown {
  const files = linkedFiles(state, prediction)
  return files.length > 0 ? prediction.model.output(files, prediction.input) : null
}

function logsOf({ own, input: { seed } }: Prediction, started: boolean, over: boolean): string {
  if (!started) return ''
  const end = over ? `\n${own.error ?? '100%|██████████| 30/30'}` : ''
  return `Using seed: ${String(seed ?? 'random')}\n 50%|█████     | 15/30${end}`
}
