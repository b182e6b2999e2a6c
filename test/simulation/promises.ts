// What must hold when the faults have stopped and everything has settled: the promises, checked against the providers' till.

import type { TaskView } from '../../core/answers.ts'
import type { Task } from '../../core/task.ts'
import { erasedIsErased } from './erased.ts'
import { failedForAReason, readWaits } from './failures.ts'
import { faultsOfGate } from './gate.ts'
import { faultsOfMoney } from './money.ts'
import type { Person } from './people.ts'
import { attemptOf, type Paid } from './providers.ts'
import { recipes } from './recipes.ts'
import { faultsOfResults } from './results.ts'
import type { World } from './world.ts'

/** Every broken promise, as a sentence. */
export async function brokenPromises(world: World, people: readonly Person[]): Promise<string[]> {
  const tasks = (await world.pool.query<Task>('select * from tasks order by id')).rows
  const redone = await redoneSteps(world)
  const waits = await readWaits(world)
  const byId = new Map(tasks.map((task) => [task.id, task]))
  const predictions = world.providers.predictions()
  const broken = [
    ...world.witness.broken,
    ...people.flatMap((person) => acceptedIsDurable(world, person, byId)),
    ...(await erasedIsErased(world)),
    ...(world.trouble.mostBackMs > 0 ? [] : people.flatMap(onlyForward)),
    ...tasks.flatMap(settled),
    ...tasks.flatMap((task) => neverPaidTwice(world, task, { predictions, people, redone })),
    ...tasks.flatMap(recordedOnce),
    ...tasks.flatMap((task) => attemptsCounted(world, task)),
    ...tasks.flatMap((task) => failedForAReason(world, task, { predictions, waits })),
    ...everyPredictionIsKnown(world, byId, predictions),
    ...tasks.flatMap((task) => inputsAreThere(world, task)),
  ]
  for (const task of tasks) {
    broken.push(...(await faultsOfResults(world, task)))
  }
  broken.push(...(await faultsOfMoney(world, tasks, predictions)), ...(await faultsOfGate(world, tasks, predictions)))
  broken.push(...(await world.receiver.faults()))
  return broken
}

function acceptedIsDurable({ erased }: World, person: Person, byId: Map<string, Task>): string[] {
  return person.accepted
    .filter((id) => !byId.has(id) && !erased.has(id))
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

/** What a task was started with is its own: neither a sweep nor a start of unknown fate takes it away. */
function inputsAreThere({ blobs }: World, { id, input }: Task): string[] {
  const keys = JSON.stringify(input).match(/inputs\/[\w/-]+/g) ?? []
  return keys.filter((key) => !blobs.has(`files/${key}/0`)).map((key) => `input lost: ${key} of ${id} is not stored`)
}

/** Redos that moved a task, by task and step: each is the permission to pay once more. */
async function redoneSteps({ pool }: World): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ task_id: string; step: number; n: number }>(
    `select task_id, greatest(step, 1) as step, count(*)::int as n from task_events where move = 'redone' group by 1, 2`,
  )
  return new Map(rows.map(({ task_id, step, n }) => [`${task_id} ${step}`, n]))
}

interface Account {
  predictions: readonly Paid[]
  people: readonly Person[]
  redone: Map<string, number>
}

function neverPaidTwice({ witness, providers }: World, task: Task, { predictions, people, redone }: Account): string[] {
  const asked = people.find(({ name }) => name === task.user_id)?.redone.get(task.id) ?? 0
  const steps = Array.from({ length: task.total_steps }, (_, index) => index + 1)
  const moved = steps.reduce((sum, step) => sum + (redone.get(`${task.id} ${step}`) ?? 0), 0)
  if (moved > asked) return [`redone unasked: ${task.id} was redone ${moved} times, asked ${asked} times`]
  return steps.flatMap((step) => {
    const paid = predictions.filter((prediction) => {
      const attempt = attemptOf(witness.attempts, prediction)
      return attempt?.task === task.id && attempt.step === step && !providers.doubles.has(prediction.id)
    })
    const allowed = 1 + (redone.get(`${task.id} ${step}`) ?? 0)
    if (paid.length <= allowed) return []
    return [`paid twice: step ${step} of ${task.id} has ${paid.length} predictions, ${allowed} allowed`]
  })
}

/** A prediction is an attempt's or nobody's. Only one that was left while it might run, by cancel or by its limit, is both. */
function recordedOnce(task: Task): string[] {
  const own = task.steps.flatMap((step) => [step, ...(step.past ?? [])])
  const kept = own.filter(({ status, error_code }) => status !== 'canceled' && error_code !== 'timed_out')
  const ids = [...kept, ...task.strays].flatMap(({ prediction_id }) => prediction_id ?? [])
  return ids
    .filter((id, index) => ids.indexOf(id) < index)
    .map((id) => `recorded twice: prediction ${id} of ${task.id}`)
}

/** What was refused, or not sent, is not an attempt. */
function attemptsCounted({ witness }: World, task: Task): string[] {
  const spent = witness.spent.get(`${task.id} ${task.current_step}`)
  if (spent === undefined || spent === task.attempt) return []
  return [`attempts: step ${task.current_step} of ${task.id} is at attempt ${task.attempt}, ${spent} were made`]
}

/** Of an attempt that nobody could find, the list and the webhooks said nothing for as long as it is asked for. */
const unconfirmedMs = { replicate: 3_600_000, fal: 24 * 3_600_000 }
/** A late create comes after its attempt. */
const lateMs = 300_000

/** Whatever was created is in the row: as a result, an earlier attempt, or a stray; nothing runs that nobody wants. */
function everyPredictionIsKnown(world: World, byId: Map<string, Task>, predictions: readonly Paid[]): string[] {
  const { witness, providers, scheduler, trouble } = world
  const twins = new Set([...providers.doubles].flat())
  return predictions.flatMap((prediction) => {
    const { id, status, provider, createdAt } = prediction
    const task = byId.get(attemptOf(witness.attempts, prediction)?.task ?? '')
    const attempt = attemptOf(witness.attempts, prediction)
    // Canceled before its task went, where it was ever heard of.
    if (!task && world.erased.has(attempt?.task ?? '')) return []
    if (!task) return [`unknown: prediction ${id} belongs to no task`]
    const own = task.steps.flatMap((step) => [step, ...(step.past ?? [])])
    const isKnown = [...own, ...task.strays].some((known) => known.prediction_id === id)
    // An attempt that ended unconfirmed, or was canceled, may have a prediction that nobody ever heard of.
    const wasGivenUp = own.some((attempt) => attempt.error_code === 'submission_unconfirmed')
    const age = scheduler.nowMs - createdAt
    // By the database's clock, which may have been hours back when the attempt began.
    const isPastProof = task.status === 'canceled' && age + trouble.mostBackMs >= unconfirmedMs[provider] - lateMs
    if (!isKnown && !wasGivenUp && !isPastProof && !twins.has(id)) {
      return [`unknown: prediction ${id} of ${task.id} is recorded nowhere`]
    }
    // Replicate was told to cancel by itself at the recipe's limit, two hours for a film; fal has nothing of the kind.
    const limitMs = (recipes.get(task.recipe)?.timing.limitSeconds ?? 0) * 1_000
    const mayRun = !isKnown && (provider === 'fal' || age <= limitMs + lateMs)
    // Without the key nobody can cancel it.
    const isOutOfReach = trouble.keyless === provider
    return status === 'running' && !mayRun && !isOutOfReach
      ? [`running on: prediction ${id} of ${task.id} (${task.status})`]
      : []
  })
}
