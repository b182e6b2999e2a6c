// Runs each command of `npm run tasks`. list, show and stats only read; check and recover run the same passes as the functions do; resume
// ends a provider's pause. cli/tasks.ts calls them.
import type { Health } from '../core/operator-answers.ts'
import { dollarsOf } from '../core/price.ts'
import { requireOpenAttempt, type Task } from '../core/task.ts'
import { findTaskOf, listInFlight, readStory, type TaskStory } from '../db/statements/overview.ts'
import { resumeProvider } from '../db/statements/pauses.ts'
import { recordChecks } from '../db/statements/record-results.ts'
import { capsOf } from '../engine/claim.ts'
import type { Deps } from '../engine/deps.ts'
import { readHealth } from '../engine/health.ts'
import { causedBy, raiseAnyway } from '../engine/journal.ts'
import { runPass } from '../engine/pass.ts'
import type { PassResult } from '../engine/pass-result.ts'
import { isUuid, type Of, providerNames } from './arguments.ts'
import { type Around, explain, moveWords } from './explain.ts'
import { isStoreKnown, type Opened, openKnownWake, withDatabase, withDeployment } from './open.ts'
import { troublesOf } from './troubles.ts'
import { distance, duration, instant, sentence, table } from './words.ts'

export async function list({ isJson, user, env: _, ...filter }: Of<'list'>): Promise<string> {
  return withDatabase(async ({ db, config }) => {
    const tasks = await listInFlight(db, { ...filter, user_id: user, caps: capsOf(config) })
    if (isJson) return json({ tasks: tasks.map(shown) })
    if (tasks.length === 0) return nothingListed(filter)
    const now = new Date()
    return table(
      ['task', 'user', 'recipe', 'status', 'step', 'attempt', 'due', 'age', 'error'],
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
  return withDatabase(async (opened) => tellStory(await requireStory(opened, id), isJson))
}

/** Checks now, whenever the next check is due. Only a create that may be on its way is left alone. */
export async function check({ id, isJson }: Of<'check'>): Promise<string> {
  return withDeployment(async ({ deps, context }) => {
    const { task } = (await requireStory(deps, id)).story
    await raise(deps)
    if (task.phase === 'running' && task.prediction_id) {
      const told = {
        ...requireOpenAttempt(task),
        prediction_id: task.prediction_id,
        kind: 'postponed' as const,
        retry_in: 0,
      }
      await recordChecks(deps.db, [told], causedBy(deps, 'operator', context))
    }
    const result = await runPass(deps, { by: 'operator', context, taskId: task.id })
    const known = await requireStory(deps, task.id)
    if (isJson) return json({ pass: countsOf(result), ...documentOf(known, new Date()) })
    const checked = result.idle ? 'Nothing was due for it.' : `Checked it: ${sumOf(result)}.`
    return `${checked}\n${tellStory(known, false)}`
  })
}

export async function recover({ isJson }: Of<'recover'>): Promise<string> {
  return withDeployment(async ({ deps, context }) => {
    await raise(deps)
    const result = await runPass(deps, { by: 'operator', context })
    if (isJson) return json(countsOf(result))
    return result.idle ? 'Nothing was due.' : `Picked up what was due: ${sumOf(result)}.`
  })
}

/** A pass works while the store is silent, as a ping's does. Where none is known here, none begins: every file would seem to be gone. */
const raise = (deps: Deps): Promise<unknown> => (isStoreKnown(deps.config) ? raiseAnyway(deps) : deps.wake.raise())

const unraised =
  'The blob store is not known here: pings may sleep on until then; POST /api/recover with the cron secret wakes them.'

export async function resume({ provider, isJson }: Of<'resume'>): Promise<string> {
  return withDatabase(async ({ db, config, log }) => {
    if (!providerNames.includes(provider))
      throw new Error(`There is no provider "${provider}". Known are ${providerNames.join(' and ')}.`)
    const wake = openKnownWake(config)
    if (wake) await raiseAnyway({ wake, log })
    const pause = await resumeProvider(db, { provider })
    if (isJson) return json({ provider, ended: pause ?? null })
    if (!pause) return `${provider} is not paused.`
    const reason = pause.paused_for ? ` (${pause.paused_for})` : ''
    const ended = `The pause of ${provider}${reason} has ended; it would have lasted until ${instant(pause.paused_until)} UTC.`
    return wake ? ended : `${ended} ${unraised}`
  })
}

export async function stats({ isJson }: Of<'stats'>): Promise<string> {
  return withDatabase(async (opened) => {
    const told = await readHealth(opened)
    // Not asked, where it can't be opened from here.
    const standing = isStoreKnown(opened.config) ? told : { ...told, store: 'unknown' as const }
    if (isJson) return json(standing)
    return sectionsOf(standing).join('\n\n')
  })
}

type Standing = Omit<Health, 'store'> & { store: Health['store'] | 'unknown' }

/** A task's story, and what is known of its surroundings. */
interface Known {
  story: TaskStory
  around: Around
}

/** By the id of the task, or of one of its predictions. fal's look like a task's, so both are tried. */
async function requireStory(opened: Opened, id: string): Promise<Known> {
  const { db, config, instants } = opened
  const own = isUuid(id) ? await readStory(db, id) : undefined
  const other = own ? undefined : await findTaskOf(db, id)
  const story = own ?? (other && (await readStory(db, other)))
  if (!story) throw new Error(`There is no task ${id}, and no task with a prediction of this id.`)
  const pinged_at = isStoreKnown(config) ? await lastPing(instants) : undefined
  const { cap } = capsOf(config).find(({ provider }) => provider === story.task.provider) ?? {}
  return { story, around: { cap, pinged_at } }
}

/** When a ping last came; null where none is on record, undefined where the store doesn't answer. */
async function lastPing(instants: Opened['instants']): Promise<Around['pinged_at']> {
  const asked = (['worker', 'checker', 'recover', 'tick'] as const).map((name) => instants.last(name))
  const answers = await Promise.all(asked).catch(() => undefined)
  if (!answers) return undefined
  const known = answers.flatMap((at) => at ?? [])
  return known.length > 0 ? new Date(Math.max(...known.map((at) => at.getTime()))) : null
}

function tellStory(known: Known, isJson: boolean): string {
  const now = new Date()
  const { story, around } = known
  if (isJson) return json(documentOf(known, now))
  const sentences = explain(story, now, around).join('\n')
  if (story.history.length === 0) return `${sentences}\n\nNothing of its history is on record.`
  const rows = story.history.map((event) => [
    ...[instant(event.at), event.by ?? '?', event.move, event.was, event.became, event.step, event.attempt],
    ...[
      event.rss_mb === null ? '' : `${event.rss_mb} MB`,
      [moveWords(event), [event.code, event.reason].filter(Boolean).join(': ')].filter(Boolean).join('; '),
    ],
  ])
  const heads = ['when (UTC)', 'by', 'move', 'from', 'to', 'step', 'attempt', 'memory', 'words']
  return `${sentences}\n\n${table(heads, rows)}`
}

const documentOf = ({ story, around }: Known, now: Date) => ({
  explanation: explain(story, now, around),
  task: shown(story.task),
  history: story.history,
  paused: story.paused,
  webhooks: story.webhooks,
  spending: story.stopped ? 'stopped' : 'allowed',
})

/** The claim token opens webhooks' addresses, and nobody needs to see it. */
const shown = ({ claim_token: _, ...task }: Task) => task

const stateOf = ({ status, phase }: Task): string => (phase ? `${status}/${phase}` : status)

const countsOf = ({ nextDueAt: _, ...counts }: PassResult) => counts

function nothingListed({ all, overdue, status }: { all?: unknown; overdue?: unknown; status?: unknown }): string {
  if (overdue) return 'Nothing is overdue.'
  return all || status ? 'There is no such task.' : 'Nothing is in flight.'
}

function sumOf(result: PassResult): string {
  const counts = Object.entries(countsOf(result)).filter(([, count]) => typeof count === 'number' && count > 0)
  return counts.map(([name, count]) => `${count} ${name}`).join(', ') || 'nothing new'
}

function sectionsOf(standing: Standing): string[] {
  const {
    recipes,
    tasks,
    providers,
    oldest_due_age_seconds: due,
    locks_held,
    spending,
    money,
    memory,
    last_problem,
    store,
    outbox,
    dead_man,
  } = standing
  const counts = Object.entries({ ...recipes, all: tasks }).map(([name, own]) => [name, ...Object.values(own)])
  const now = new Date()
  const flights = Object.entries(providers).map(([name, { in_flight, cap, paused_until, webhooks }]) => [
    ...[name, in_flight, cap, paused_until && distance(new Date(paused_until), now)],
    ...[webhooks.accepted_at ? distance(new Date(webhooks.accepted_at), now) : 'not known', webhooks.refused],
  ])
  const { silent_seconds, ...came } = dead_man
  return [
    table(['recipe', ...Object.keys(tasks)], counts),
    table(['provider', 'in flight', 'cap', 'pause ends', 'last webhook', 'refused'], flights),
    table(
      ['ping', 'last came'],
      Object.entries(came).map(([name, at]) => [name, at ?? 'not known']),
    ),
    [
      due === null ? 'Nothing is due.' : `The oldest due task has waited for ${duration(due * 1000)}.`,
      `Locks held: ${locks_held}.`,
      store === 'unknown' ? 'The blob store is not known here: npm run doctor.' : `The blob store: ${store}.`,
      outboxIn(outbox),
      `Spent or reserved today: ${dollarsOf(money.spent_micros)}${money.limit_micros === null ? '' : ` of ${dollarsOf(money.limit_micros)}`}.`,
      ...(spending === 'stopped' ? ['Spending is stopped: nothing new begins.'] : []),
      `This process takes ${memory.rss_mb} MB of ${memory.limit_mb} MB.`,
      ...(silent_seconds === null ? [] : [`The last ping came ${duration(silent_seconds * 1000)} ago.`]),
      problemIn(last_problem),
      ...troublesOf(providers, now).map(({ says, todo }) => `${sentence(says)} ${todo}`),
    ].join('\n'),
  ]
}

function outboxIn({ undelivered, given_up, oldest_seconds }: Health['outbox']): string {
  const oldest = oldest_seconds === null ? '' : `, the oldest for ${duration(oldest_seconds * 1000)}`
  return `Events still to be told: ${undelivered}${oldest}; given up lately: ${given_up}.`
}

function problemIn(problem: Health['last_problem']): string {
  if (!problem) return 'No task has failed.'
  if (problem.code === 'pass_died') return deathIn(problem)
  const { task_id, step, code, message, at, memory } = problem
  const size = memory.rss_mb === null ? '' : `, with ${memory.rss_mb} MB taken`
  return `The last problem: step ${step} of task ${task_id} failed with ${code} at ${at}${size}: ${message ?? ''}`
}

function deathIn({ task_id, step, at, by, memory }: NonNullable<Health['last_problem']>): string {
  const size = memory.rss_mb === null ? '' : `; its process took ${memory.rss_mb} MB when it claimed`
  return `The last problem: a pass (${by ?? 'unknown'}) died at step ${step} of task ${task_id}, found at ${at}${size}. Another went on.`
}

function json(document: unknown): string {
  return JSON.stringify(document, null, 2)
}
