// A task may fail only as the provider's own word, or time, allows: each code with what must then be true.
import type { Task, TaskErrorCode } from '../../core/task.ts'
import { attemptOf, type Paid } from './providers.ts'
import type { World } from './world.ts'

interface Failure {
  /** The prediction of the attempt that failed, if it knew one. */
  prediction: Paid | undefined
  /** What the provider was told to make of it. */
  outcome: string | undefined
  /** Its request was refused for good. */
  wasRejected: boolean
  /** Its provider shows what it created, and was asked in time. */
  wasThere: boolean
  /** All of its provider's hour fell into the calm, while pings came every ten minutes. */
  wasToBeHad: boolean
  /** This deployment was at times without the provider's key. */
  wasKeyless: boolean
  /** A picture was to be sent along, from a store that doesn't find at times what it holds. */
  wasForgotten: boolean
  /** From the last move that was none of our tries. */
  waitedSeconds: number
  /** From the attempt's start to its end. */
  seconds: number
  isTraining: boolean
}

const hour = 3_600
/** Instances' clocks are apart by seconds. */
const tolerance = 10
const after = (seconds: number, limit: number) => seconds >= limit - tolerance

const isLawful: Partial<Record<TaskErrorCode, (failure: Failure) => boolean>> = {
  provider_failed: ({ prediction }) => prediction?.status === 'failed',
  provider_canceled: ({ prediction }) => prediction?.status === 'canceled',
  provider_rejected: ({ wasRejected }) => wasRejected,
  provider_not_configured: ({ wasKeyless, waitedSeconds }) => wasKeyless && after(waitedSeconds, hour / 2),
  request_invalid: ({ wasForgotten, waitedSeconds }) => wasForgotten && after(waitedSeconds, hour),
  submission_unconfirmed: ({ seconds, isTraining, wasThere }) =>
    after(seconds, isTraining ? 24 * hour : hour) && !wasThere,
  timed_out: ({ seconds, isTraining }) => after(seconds, isTraining ? 24 * hour : hour / 2),
  // The provider forgets inputs and outputs after an hour, or at once where it is told to.
  result_lost: ({ seconds, outcome, wasToBeHad }) =>
    (after(seconds, hour) && !wasToBeHad) || outcome === 'data_removed',
  result_unusable: ({ outcome }) => outcome === 'no_output',
  prediction_lost: ({ isTraining, outcome }) => isTraining && outcome === 'data_removed',
}

/** How long tasks waited, by their history, whose last move was that nothing was sent for them. */
export async function readWaits({ pool }: World): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ task_id: string; seconds: number }>(`
    select task_id, extract(epoch from max(at) filter (where move = 'rejected')
      - max(at) filter (where move not in ('claimed', 'unsent', 'rejected')))::float8 as seconds
    from task_events group by task_id`)
  return new Map(rows.map(({ task_id, seconds }) => [task_id, seconds]))
}

interface Known {
  predictions: readonly Paid[]
  waits: Map<string, number>
}

export function failedForAReason(world: World, task: Task, { predictions, waits }: Known): string[] {
  if (task.status !== 'failed' || !task.error_code) return []
  const last = task.steps[task.current_step - 1]
  const prediction = predictions.find(({ id }) => id === last?.prediction_id)
  const { witness, providers, weather } = world
  const { mostBackMs } = world.trouble
  const failure: Failure = {
    prediction,
    outcome: prediction && providers.outcomes.get(prediction.id),
    wasRejected: [...providers.rejected].some((mark) => witness.attempts.get(mark)?.task === task.id),
    wasKeyless: weather.keys !== 'kept' && weather.keyProvider === task.provider,
    wasForgotten: weather.storeFails && !weather.isReachable,
    waitedSeconds: (waits.get(task.id) ?? 0) + mostBackMs / 1000,
    wasThere: isListed(world, task, predictions),
    wasToBeHad: isToBeHad(world, task, Date.parse(last?.submitted_at ?? '')),
    seconds: (Date.parse(last?.finished_at ?? '') - Date.parse(last?.submitted_at ?? '') + mostBackMs) / 1000,
    isTraining: task.recipe === 'avatar',
  }
  if (isLawful[task.error_code]?.(failure)) return []
  const { outcome, seconds } = failure
  const truth = prediction ? `${prediction.id} is ${prediction.status}${outcome ? ` (${outcome})` : ''}` : 'nothing'
  return [
    `failed without cause: ${task.id} failed with ${task.error_code} after ${seconds} s; the provider says: ${truth}`,
  ]
}

/** With a store that is well and a provider that gives its files, a copy has an hour for a few seconds' work. */
function isToBeHad({ weather, calmSince, trouble }: World, { recipe, provider }: Task, submittedAt: number): boolean {
  if (weather.withholds > 0 || weather.flickers || trouble.keyless === provider || recipe === 'avatar') return false
  return submittedAt >= calmSince && submittedAt <= calmSince + hour * 1000
}

/** Sent as bytes, a picture has no link that could carry a marker. */
function isRecognisable({ weather }: World, { recipe, input }: Task): boolean {
  if (recipe !== 'clip') return recipe !== 'unmarked'
  return weather.isReachable || !JSON.stringify(input).includes('file:')
}

/** Replicate erases what marks an attempt after an hour; some of that goes by between looks. */
const provableMs = 40 * 60_000

/** Whether a prediction of the task's last attempt could be found in a list since the faults stopped. */
function isListed(world: World, task: Task, predictions: readonly Paid[]): boolean {
  const { weather, witness, providers, calmSince, trouble } = world
  if (trouble.keyless === task.provider) return false
  if (weather.list !== 'well' && weather.list !== 'lagging') return false
  if (!isRecognisable(world, task)) return false
  const finishedAt = task.finished_at?.getTime() ?? 0
  if (finishedAt <= calmSince) return false
  // By then it was over, even one that was begun again; the last look is made at the end itself.
  const overMs = (2 * weather.secondsPerTraining + hour) * 1000
  return predictions.some((prediction) => {
    const { id, provider, status, createdAt } = prediction
    const attempt = attemptOf(witness.attempts, prediction)
    if (attempt?.task !== task.id || attempt.step !== task.current_step || attempt.attempt !== task.attempt)
      return false
    // `seconds`: it was told to take longer than anybody waits.
    const wasOver = status !== 'running' && providers.outcomes.get(id) !== 'seconds' && createdAt + overMs < finishedAt
    if (provider === 'fal') return weather.showsUnfinished || wasOver
    return providers.outcomes.get(id) !== 'data_removed' && createdAt > calmSince - provableMs
  })
}
