// Events as messages of the bot: to a user's own chat, and to the chats that a web user has linked. A step's picture comes with the buttons
// that a person needs at its gate.
import type { Api } from 'grammy'
import pLimit from 'p-limit'
import * as z from 'zod'
import type { Delivery, SendResult, ToldTask } from '../core/event.ts'
import { attemptsOf } from '../core/task.ts'
import type { Channel, NotifyDeps } from './channel.ts'
import { failureOf, openApi } from './telegram/api.ts'
import { type Button, type Message, resultOf, sendMessage } from './telegram/message.ts'
import { type Language, languages, type Progress, whyOf, words } from './telegram/words.ts'

/** A listener's address, as functions/telegram writes it. */
const chatAddress = z.object({ chat_id: z.int(), language: z.enum(languages) })

/** Each picture is in memory as a whole while it is sent. */
const sendsAtOnce = 4

export async function openTelegram(deps: NotifyDeps): Promise<Channel> {
  const api = await openApi(deps.config)
  const limit = pLimit(sendsAtOnce)
  return {
    send: (delivery, signal) =>
      limit(() =>
        // Recorded as not sent while it waited for its turn: it is claimed again.
        signal.aborted ? { kind: 'later' as const, reason: 'others took its time' } : send(api, deps, delivery, signal),
      ),
  }
}

async function send(api: Api, { files }: NotifyDeps, delivery: Delivery, signal: AbortSignal): Promise<SendResult> {
  const { data: address } = chatAddress.safeParse(delivery.address)
  if (!address) return { kind: 'gone', reason: 'there is no such chat any more' }
  const { chat_id: id, language } = address
  try {
    await sendMessage({ api, files, signal }, { id, language }, messageOf(delivery, language))
    return { kind: 'delivered' }
  } catch (error) {
    const failure = failureOf(error)
    if (!failure) throw error
    return failure
  }
}

/** With the step's picture, where there is one. */
const messageOf = (delivery: Delivery, language: Language): Message => ({
  ...textOf(delivery, language),
  file: withPicture.has(delivery.type) ? resultOf(delivery.task) : undefined,
})

const withPicture = new Set<Delivery['type']>([
  'task.waiting',
  'task.completed',
  'task.step_completed',
  'task.gate_closing',
])

function textOf({ type, task, budget }: Delivery, language: Language): { text: string; buttons: Button[][] } {
  const say = words[language]
  const progress: Progress = { recipe: task.recipe, step: task.steps.length, total: task.total_steps }
  switch (type) {
    case 'task.waiting':
      return { text: task.gate_reason ? say.overBudget(progress) : say.waiting(progress), buttons: gateButtons(task) }
    case 'task.gate_closing':
      return { text: say.closing(progress), buttons: gateButtons(task) }
    case 'task.step_completed':
      return { text: say.picture(progress), buttons: [] }
    case 'task.completed':
      return { text: say.completed(progress), buttons: hasChoice(task) ? [[attemptsButton(task)]] : [] }
    case 'task.failed': {
      const failed = { ...progress, step: Math.max(task.current_step, 1) }
      const text = say.failed(failed, whyOf(language, task.error_code ?? ''))
      const isUnsure = task.error_code === 'submission_unconfirmed'
      return { text: isUnsure ? `${text} ${say.paidTwice}` : text, buttons: [[redoOf(task)]] }
    }
    case 'task.canceled':
      return { text: task.error_code === 'gate_expired' ? say.expired(progress) : say.canceled(progress), buttons: [] }
    case 'budget.reached':
      return { text: say.budget(budget?.percent ?? 100), buttons: [] }
  }
}

/** *Continue*, *Again*, *Stop*, and *Choose* where the step has several pictures. */
export function gateButtons(task: Shown): Button[][] {
  const { id: task_id, current_step: step } = task
  const stop = { kind: 'cancel', task_id } as const
  return [[{ kind: 'continue', task_id, step }, redoOf(task)], hasChoice(task) ? [attemptsButton(task), stop] : [stop]]
}

type Shown = Pick<ToldTask, 'id' | 'current_step' | 'attempt' | 'steps'>

/** Pictures of the step that was made last, whichever attempt they are of. Files of an avatar are none. */
function hasChoice({ steps }: Shown): boolean {
  const attempts = attemptsOf(steps.at(-1)).filter(({ status }) => status === 'completed')
  const pictures = attempts.flatMap(({ files = [] }) => files.filter(({ type }) => type.startsWith('image/')))
  return pictures.length > 1
}

const attemptsButton = ({ id: task_id, current_step: step }: Shown): Button => ({ kind: 'attempts', task_id, step })

const redoOf = ({ id: task_id, current_step, attempt }: Shown): Button => ({
  kind: 'redo',
  task_id,
  step: Math.max(current_step, 1),
  attempt: Math.max(attempt, 1),
})
