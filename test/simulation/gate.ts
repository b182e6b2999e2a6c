// What must hold of choices and of tasks that were begun from a result: the next step is made of what was chosen, a choice is only written where
// one is asked for, and who begins from a picture doesn't pay for it again.
import { chosenFile, resultKey, type StoredAttempt, storedAttempt, type Task } from '../../core/task.ts'
import { attemptOf, type Paid } from './providers.ts'
import type { World } from './world.ts'

export async function faultsOfGate(
  world: World,
  tasks: readonly Task[],
  predictions: readonly Paid[],
): Promise<string[]> {
  const { pool, witness, providers } = world
  const { rows: late } = await pool.query<{ task_id: string; was: string }>(
    `select task_id, was from task_events where move = 'chosen' and was not in ('waiting_continue', 'completed')`,
  )
  const named = await namedAtContinue(world)
  const byId = new Map(tasks.map((task) => [task.id, task]))
  const garments = new Map<string, number>()
  const faults = predictions.flatMap((prediction) => {
    const attempt = attemptOf(witness.attempts, prediction)
    const task = byId.get(attempt?.task ?? '')
    const person = prediction.input['person_image'] ?? prediction.input['image']
    if (!task || !attempt || typeof person !== 'string') return []
    if (isFork(task) && !providers.doubles.has(prediction.id))
      garments.set(task.id, Math.max(garments.get(task.id) ?? 0, attempt.step))
    const before = storedAttempt(task, attempt.step - 1, named.get(`${task.id} ${attempt.step - 1}`))
    if (!before || isMadeOf(person, task, before)) return []
    return [
      `not what was chosen: step ${attempt.step} of ${task.id} is made of ${person.slice(0, 200)}, not of ${before.prediction_id}`,
    ]
  })
  return [
    ...late.map(({ task_id, was }) => `chosen too late: a choice of ${task_id} was written while it was ${was}`),
    ...faults,
    ...[...garments]
      .filter(([, steps]) => steps > 1)
      .map(([id, steps]) => `paid again: ${id} begins from a result, and ${steps} steps were made for its one garment`),
  ]
}

/** Which attempt people named as they went on, by task and step. A gate that was left is never come back to. */
async function namedAtContinue({ pool }: World): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ place: string; attempt: number }>(
    `select task_id || ' ' || step - (became like 'processing/%')::integer as place, substring(reason from 'attempt (\\d+)')::integer as attempt
      from task_events where move = 'continued' and reason like 'attempt %'`,
  )
  return new Map(rows.map(({ place, attempt }) => [place, attempt]))
}

/** By the link that the provider was given, or by the bytes themselves, which end with their maker's name. */
function isMadeOf(person: string, task: Task, { step, prediction_id }: StoredAttempt): boolean {
  const key = resultKey(task.id, step, prediction_id, chosenFile(task, step) - 1)
  if (!person.startsWith('data:')) return new URL(person).searchParams.get('file') === key
  const bytes = Buffer.from(person.slice(person.indexOf(',') + 1), 'base64').toString('latin1')
  return bytes.endsWith(JSON.stringify({ made_by: prediction_id }))
}

/** As forks in people.ts are made: nobody else puts this garment on. */
const isFork = ({ input }: Task): boolean => JSON.stringify(input).includes('fork.png')
