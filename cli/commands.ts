// What each command does. list, show and stats only read; check and recover run the same passes as the functions do.
import { requireHeld, type Task } from '../core/task.ts'
import { listInFlight, readStory, type TaskStory } from '../db/statements/overview.ts'
import { recordLooks } from '../db/statements/record-results.ts'
import { causedBy } from '../engine/journal.ts'
import { runPass } from '../engine/pass.ts'
import { readStanding, type Standing } from '../engine/standing.ts'
import type { PassResult } from '../engine/trigger.ts'
import type { Command } from './arguments.ts'
import { explain } from './explain.ts'
import { type Opened, withDatabase, withDeployment } from './open.ts'
import { distance, duration, instant, table } from './words.ts'

type Of<Name extends Command['name']> = Extract<Command, { name: Name }>

export async function list({ isJson, user, env: _, ...filter }: Of<'list'>): Promise<string> {
  return withDatabase(async ({ db }) => {
    const tasks = await listInFlight(db, { ...filter, user_id: user })
    if (isJson) return json({ tasks: tasks.map(shown) })
    if (tasks.length === 0) return 'Nothing is in flight.'
    const now = new Date()
    return table(
      ['task', 'user', 'recipe', 'status', 'step', 'attempt', 'looked at', 'age', 'error'],
      tasks.map((task) => [
        task.id,
        task.user_id,
        task.recipe,
        stateOf(task),
        `${task.current_step}/${task.total_steps}`,
        task.attempt,
        task.due_at && distance(task.due_at, now),
        duration(now.getTime() - task.created_at.getTime()),
        task.error_code,
      ]),
    )
  })
}

export async function show({ id, isJson }: Of<'show'>): Promise<string> {
  return withDatabase(async ({ db }) => tellStory(await requireStory(db, id), isJson))
}

/** Looks now, whenever the next look was due. Only a create that may be on its way is left alone. */
export async function check({ id, isJson }: Of<'check'>): Promise<string> {
  return withDeployment(async ({ deps, context }) => {
    const { task } = await requireStory(deps.db, id)
    await deps.wake.raise()
    if (task.phase === 'running' && task.prediction_id) {
      const told = { ...requireHeld(task), prediction_id: task.prediction_id, kind: 'postponed' as const, retry_in: 0 }
      await recordLooks(deps.db, [told], causedBy(deps, 'operator', context))
    }
    const result = await runPass(deps, { by: 'operator', context, taskId: id })
    const story = await requireStory(deps.db, id)
    if (isJson) return json({ pass: countsOf(result), ...documentOf(story, new Date()) })
    const looked = result.idle ? 'Nothing was due for it.' : `Looked at it: ${sumOf(result)}.`
    return `${looked}\n${tellStory(story, false)}`
  })
}

export async function recover({ isJson }: Of<'recover'>): Promise<string> {
  return withDeployment(async ({ deps, context }) => {
    await deps.wake.raise()
    const result = await runPass(deps, { by: 'operator', context })
    if (isJson) return json(countsOf(result))
    return result.idle ? 'Nothing was due.' : `Picked up what was due: ${sumOf(result)}.`
  })
}

export async function stats({ isJson }: Of<'stats'>): Promise<string> {
  return withDatabase(async (opened) => {
    const standing = await readStanding(opened)
    if (isJson) return json(standing)
    return sectionsOf(standing).join('\n\n')
  })
}

async function requireStory(db: Opened['db'], id: string): Promise<TaskStory> {
  const story = await readStory(db, id)
  if (!story) throw new Error(`There is no task ${id}.`)
  return story
}

function tellStory(story: TaskStory, isJson: boolean): string {
  const now = new Date()
  if (isJson) return json(documentOf(story, now))
  const sentences = explain(story, now).join('\n')
  if (story.history.length === 0) return `${sentences}\n\nNothing of its history is on record.`
  const rows = story.history.map((event) => [
    ...[instant(event.at), event.by ?? '?', event.move, event.was, event.became, event.step, event.attempt],
    ...[event.rss_mb === null ? '' : `${event.rss_mb} MB`, [event.code, event.reason].filter(Boolean).join(': ')],
  ])
  const heads = ['when (UTC)', 'by', 'move', 'from', 'to', 'step', 'attempt', 'memory', 'words']
  return `${sentences}\n\n${table(heads, rows)}`
}

const documentOf = (story: TaskStory, now: Date) => ({
  explanation: explain(story, now),
  task: shown(story.task),
  history: story.history,
  paused: story.paused,
})

/** The claim token opens webhooks' addresses, and nobody needs to see it. */
const shown = ({ claim_token: _, ...task }: Task) => task

const stateOf = ({ status, phase }: Task): string => (phase ? `${status}/${phase}` : status)

const countsOf = ({ nextDueAt: _, ...counts }: PassResult) => counts

function sumOf(result: PassResult): string {
  const counts = Object.entries(countsOf(result)).filter(([, count]) => typeof count === 'number' && count > 0)
  return counts.map(([name, count]) => `${count} ${name}`).join(', ') || 'no news'
}

function sectionsOf(standing: Standing): string[] {
  const {
    recipes,
    tasks,
    providers,
    oldest_due_age_seconds: due,
    locks_held,
    memory,
    last_problem,
    dead_man,
  } = standing
  const counts = Object.entries({ ...recipes, all: tasks }).map(([name, own]) => [name, ...Object.values(own)])
  const flights = Object.entries(providers).map(([name, { in_flight, cap, paused_until, paused_for }]) => [
    ...[name, in_flight, cap, paused_until && `until ${paused_until}: ${paused_for ?? ''}`],
  ])
  const { silent_seconds, ...came } = dead_man
  return [
    table(['recipe', ...Object.keys(tasks)], counts),
    table(['provider', 'in flight', 'cap', 'paused'], flights),
    table(
      ['ping', 'last came'],
      Object.entries(came).map(([name, at]) => [name, at ?? 'not known']),
    ),
    [
      due === null ? 'Nothing is due.' : `The oldest due task has waited for ${duration(due * 1000)}.`,
      `Locks held: ${locks_held}.`,
      `This process takes ${memory.rss_mb} MB of ${memory.limit_mb} MB.`,
      ...(silent_seconds === null ? [] : [`The last ping came ${duration(silent_seconds * 1000)} ago.`]),
      problemIn(last_problem),
    ].join('\n'),
  ]
}

function problemIn(problem: Standing['last_problem']): string {
  if (!problem) return 'No task has failed.'
  const { task_id, step, code, message, at, memory } = problem
  const size = memory.rss_mb === null ? '' : `, with ${memory.rss_mb} MB taken`
  return `The last problem: step ${step} of task ${task_id} failed with ${code} at ${at}${size}: ${message ?? ''}`
}

function json(document: unknown): string {
  return JSON.stringify(document, null, 2)
}
