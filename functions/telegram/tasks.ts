// /status, /cancel, /history and /delete: a person's tasks, whether a generation is under way, how the system is, and the last problem in a
// person's words; and the end of all that is theirs. An operator gets the figures of health as well.

import { confirmSeconds } from '../../core/erasure.ts'
import type { Health } from '../../core/operator-answers.ts'
import { type Status, statuses, type Task } from '../../core/task.ts'
import { listOpen, listTasks } from '../../db/statements/reads.ts'
import { clockOf } from '../../engine/deps.ts'
import { readHealth } from '../../engine/health.ts'
import { readMemory, readMemoryLimits } from '../../engine/journal.ts'
import { triggerPass } from '../../engine/trigger.ts'
import type { Button } from '../../notify/telegram/message.ts'
import { whyOf } from '../../notify/telegram/words.ts'
import { cancelAs } from '../cancel.ts'
import { deleteEverything } from '../delete.ts'
import { type Chat, progressOf, refusalOf, say, takeAsHandled, wordsOf } from './chat.ts'

/** Unfinished ones that are shown; nobody has more in a chat. */
const mostOpen = 10
const mostHistory = 10
const mostInRow = 5

const openTasks = ({ deps, user_id, linked }: Chat) =>
  listOpen(deps.db, { user_ids: [user_id, ...linked], limit: mostOpen })

export async function showStanding(chat: Chat): Promise<void> {
  const { deps, context } = chat
  const words = wordsOf(chat)
  const [open, standing] = await Promise.all([openTasks(chat), readHealth(deps)])
  const now = clockOf(deps)
  // Whoever asks also moves it on, as with a status poll.
  for (const task of open)
    if (task.due_at && task.due_at <= now) triggerPass(deps, context, { by: 'status', taskId: task.id })
  const holder = open.find(({ recipe, user_id }) => user_id === chat.user_id && deps.recipes.get(recipe)?.exclusive)
  const lines = [
    words.lock(holder && progressOf(holder)),
    words.memory(readMemory().rss_mb, readMemoryLimits().limit_mb),
    words.system(standing.tasks.processing + standing.tasks.pending),
    problemLine(chat, standing, now),
    '',
    open.length > 0 ? words.tasks : words.noTasks,
    ...open.map((task) => `• ${words.status(task.status, progressOf(task))}`),
    ...(isOperator(chat) ? ['', ...figuresOf(standing)] : []),
  ]
  await say(chat, lines.join('\n'), { buttons: open.map((task) => [stopOf(chat, task)]) })
}

function problemLine(chat: Chat, { last_problem: problem }: Health, now: Date): string {
  if (!problem) return wordsOf(chat).noProblem
  const minutes = Math.max(0, Math.round((now.getTime() - Date.parse(problem.at)) / 60_000))
  return wordsOf(chat).lastProblem(whyOf(chat.language, problem.code), minutes, problem.memory.rss_mb)
}

const isOperator = ({ deps, id }: Chat): boolean => deps.config.TELEGRAM_OPERATORS.includes(String(id))

/** In the words of GET /api/health, which an operator knows. */
function figuresOf({ tasks, providers, money, ...standing }: Health): string[] {
  const counts = (of: Record<Status, number>) =>
    statuses.flatMap((status) => (of[status] > 0 ? [`${status} ${of[status]}`] : [])).join(', ') || 'none'
  const dollars = (micros: number | null) => (micros === null ? 'off' : `$${(micros / 1_000_000).toFixed(2)}`)
  return [
    `tasks: ${counts(tasks)}`,
    ...Object.entries(providers).map(
      ([name, { in_flight, cap, paused_until, paused_for }]) =>
        `${name}: ${in_flight} in flight${cap === null ? '' : ` of ${cap}`}${paused_until ? `, paused until ${paused_until}: ${paused_for}` : ''}`,
    ),
    `oldest due: ${standing.oldest_due_age_seconds ?? 0} s; locks held: ${standing.locks_held}`,
    `spending ${standing.spending}: ${dollars(money.spent_micros)} of ${dollars(money.limit_micros)} today`,
    `store: ${standing.store}; last ping: ${standing.dead_man.silent_seconds ?? '?'} s ago`,
    ...(standing.last_problem
      ? [`last problem: ${standing.last_problem.code}, task ${standing.last_problem.task_id}`]
      : []),
  ]
}

const stopOf = (chat: Chat, task: Task): Button => ({
  kind: 'cancel',
  task_id: task.id,
  text: `⏹ ${wordsOf(chat).status(task.status, progressOf(task))}`,
})

/** The one that runs, or a question where there are several. */
export async function cancelRunning(chat: Chat): Promise<void> {
  const { deps, context } = chat
  const words = wordsOf(chat)
  const [task, ...others] = await openTasks(chat)
  if (!task) return say(chat, words.nothingRuns)
  if (others.length > 0)
    return say(chat, words.whichOne, { buttons: [task, ...others].map((one) => [stopOf(chat, one)]) })
  await takeAsHandled(chat)
  try {
    // The event of it tells that it is stopped.
    await cancelAs(deps, context, task, { task_id: task.id })
  } catch (error) {
    await say(chat, refusalOf(chat, error))
  }
}

export async function showHistory(chat: Chat): Promise<void> {
  const { deps, user_id } = chat
  const words = wordsOf(chat)
  const tasks = await listTasks(deps.db, { user_id, limit: mostHistory })
  if (tasks.length === 0) return say(chat, words.noHistory)
  const lines = tasks.map(
    (task, index) =>
      `${index + 1}. ${task.created_at.toISOString().slice(0, 16).replace('T', ' ')} ${words.status(task.status, progressOf(task))}`,
  )
  const made = tasks.flatMap(({ id, steps }, index): Button[] =>
    steps.length > 0 ? [{ kind: 'results', task_id: id, text: `🖼 ${index + 1}` }] : [],
  )
  const rows = Array.from({ length: Math.ceil(made.length / mostInRow) }, (_, row) =>
    made.slice(row * mostInRow, (row + 1) * mostInRow),
  )
  await say(chat, [words.history, ...lines].join('\n'), { buttons: rows })
}

/**
 * Everything of the chat's own user goes, as by POST /api/delete, after a question that is good for ten minutes. What users of the page have,
 * whom this chat is linked to, stays theirs.
 */
export async function askToDelete(chat: Chat): Promise<void> {
  await say(chat, wordsOf(chat).confirmDelete, { buttons: [[{ kind: 'delete' }, { kind: 'keep' }]] })
}

/** `askedAt`: when the question was sent, by Telegram's word. */
export async function deleteAll(chat: Chat, askedAt: Date): Promise<string> {
  const { deps, context, user_id } = chat
  const now = clockOf(deps)
  if (now.getTime() - askedAt.getTime() > confirmSeconds * 1000) return wordsOf(chat).unknownButton
  const { erased } = await deleteEverything(deps, context, { user_id, session: [], until: now })
  return erased ? wordsOf(chat).deleted : wordsOf(chat).deletionGoesOn
}
