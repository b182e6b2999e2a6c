// What must hold when the faults have stopped and everything has settled: the promises, checked against the provider's till.

import type { Task } from '../../core/task.ts'
import { resultKey } from '../../core/task.ts'
import type { TaskView } from '../../core/view.ts'
import type { Person } from './people.ts'
import { readLink } from './reading.ts'
import type { World } from './world.ts'

export interface Ended {
  world: World
  people: readonly Person[]
  tasks: readonly Task[]
}

/** Every broken promise, as a sentence. */
export function brokenPromises({ world, people, tasks }: Ended): string[] {
  const byId = new Map(tasks.map((task) => [task.id, task]))
  const paid = predictionsByStep(world)
  return [
    ...people.flatMap((person) => acceptedIsDurable(person, byId)),
    ...people.flatMap(onlyForward),
    ...tasks.flatMap(settled),
    ...tasks.flatMap((task) => neverPaidTwice(task, people, paid)),
    ...tasks.flatMap((task) => resultBeforeStatus(task, world)),
    ...tasks.flatMap((task) => failedForAReason(task, world)),
    ...everyPredictionIsKnown(world, byId),
    ...world.rivals,
  ]
}

function acceptedIsDurable(person: Person, byId: Map<string, Task>): string[] {
  return person.accepted
    .filter((id) => !byId.has(id))
    .map((id) => `accepted is durable: ${id} was accepted and is not in the table`)
}

const endings = ['completed', 'canceled']

/** By the instant of the last change: answers may be heard in another order than their statements ran in. */
function onlyForward({ accepted, views: all }: Person): string[] {
  return accepted.flatMap((id) =>
    onlyForwardIn(
      id,
      all.filter((view) => view.task_id === id),
    ),
  )
}

function onlyForwardIn(id: string, views: readonly TaskView[]): string[] {
  const ended = views.find((view) => endings.includes(view.status))
  const after = ended ? views.slice(views.indexOf(ended)) : []
  const falls = views.some((later) =>
    views.some((view) => view.updated_at < later.updated_at && view.current_step > later.current_step),
  )
  return [
    ...(falls ? [`only forward: current_step of ${id} fell`] : []),
    ...(after.some((view) => view.updated_at > (ended?.updated_at ?? '') && view.status !== ended?.status)
      ? [`only forward: ${id} left the ending ${ended?.status}`]
      : []),
  ]
}

function settled(task: Task): string[] {
  const open = task.strays.filter((stray) => !stray.over)
  return [
    ...(task.status === 'pending' || task.status === 'processing'
      ? [`not settled: ${task.id} is ${task.status}/${task.phase}`]
      : []),
    ...(task.phase ? [`not settled: ${task.id} (${task.status}) still has an open attempt (${task.phase})`] : []),
    ...open.map((stray) => `not settled: stray ${stray.prediction_id} of ${task.id} is not canceled`),
  ]
}

interface Paid {
  id: string
  status: string
}

/** Created predictions by task and step, as their webhook address or their links name them. */
function predictionsByStep(world: World): Map<string, Paid[]> {
  const found = new Map<string, Paid[]>()
  for (const { id, status, webhook } of world.provider.till().predictions) {
    const { task, step } = readLink(webhook)
    const key = `${task} ${step}`
    found.set(key, [...(found.get(key) ?? []), { id, status }])
  }
  return found
}

function neverPaidTwice(task: Task, people: readonly Person[], paid: Map<string, Paid[]>): string[] {
  const person = people.find(({ name }) => name === task.user_id)
  return Array.from({ length: task.total_steps }, (_, index) => index + 1).flatMap((step) => {
    const predictions = paid.get(`${task.id} ${step}`) ?? []
    const allowed = 1 + (person?.redone.filter((redone) => redone === step || redone === 0).length ?? 0)
    if (predictions.length <= allowed) return []
    return [`paid twice: step ${step} of ${task.id} has ${predictions.length} predictions, ${allowed} allowed`]
  })
}

function resultBeforeStatus(task: Task, world: World): string[] {
  return task.steps
    .flatMap((step) => [step, ...(step.past ?? [])])
    .filter((attempt) => attempt.status === 'completed')
    .filter((attempt) => !world.blobs.has(`files/${resultKey(task.id, attempt.step, attempt.prediction_id ?? '')}/0`))
    .map((attempt) => `result before status: step ${attempt.step} of ${task.id} is shown done and not stored`)
}

/** The provider forgets inputs and outputs after an hour. */
const retentionMs = 3_600_000

/** A task may fail only as the provider's own word, or time, allows. */
function failedForAReason(task: Task, world: World): string[] {
  if (task.status !== 'failed') return []
  const last = task.steps[task.current_step - 1]
  const prediction = world.provider.till().predictions.find(({ id }) => id === last?.prediction_id)
  const truth = prediction?.status
  const age = (task.finished_at?.getTime() ?? 0) - Date.parse(prediction?.created_at ?? '')
  const lawful: Record<string, boolean> = {
    provider_failed: truth === 'failed',
    provider_canceled: truth === 'canceled' || truth === 'aborted',
    submission_unconfirmed: true,
    timed_out: true,
    result_lost: age >= retentionMs,
  }
  if (lawful[task.error_code ?? '']) return []
  return [`failed without cause: ${task.id} is failed with ${task.error_code}; the provider says ${truth}`]
}

/** Whatever was created is in the row: as a result, an earlier attempt, or a stray; nothing runs that nobody wants. */
function everyPredictionIsKnown(world: World, byId: Map<string, Task>): string[] {
  return world.provider.till().predictions.flatMap(({ id, status, webhook, created_at }) => {
    const task = byId.get(readLink(webhook).task)
    if (!task) return [`unknown: prediction ${id} belongs to no task`]
    const own = task.steps.flatMap((step) => [step, ...(step.past ?? [])])
    const isKnown = [...own, ...task.strays].some((known) => known.prediction_id === id)
    const isRunning = status === 'starting' || status === 'processing'
    // An attempt that ended unconfirmed, or was redone, may have an end nobody heard of; then it must at least be over.
    if (isRunning) return [`running on: prediction ${id} of ${task.id} (${task.status})`]
    // Of a canceled task nobody waits for; after an hour the provider's list can't tell of it any more.
    const isPastProof = task.status === 'canceled' && world.scheduler.nowMs - Date.parse(created_at) >= retentionMs
    return isKnown || wasGivenUp(task) || isPastProof
      ? []
      : [`unknown: prediction ${id} of ${task.id} is recorded nowhere`]
  })
}

function wasGivenUp(task: Task): boolean {
  const attempts = task.steps.flatMap((step) => [step, ...(step.past ?? [])])
  return attempts.some((attempt) => attempt.error_code === 'submission_unconfirmed')
}
