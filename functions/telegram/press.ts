// Does what a pressed button asks for, and says what became of it. A button may be old, or another person's: each move asks the row whether
// the task is still where the button saw it, and whose it is. update.ts answers with what it says.
import { type Press, readButton } from '../../core/button.ts'
import { attemptsOf, type Choice, resultKey, storedAttempt, type Task } from '../../core/task.ts'
import { readTask } from '../../db/statements/reads.ts'
import { resultOf } from '../../notify/telegram/message.ts'
import { words as told } from '../../notify/telegram/words.ts'
import { gateButtons } from '../../notify/telegram.ts'
import { cancelAs } from '../cancel.ts'
import { chooseAs, isChoiceOpen } from '../choose.ts'
import { continueAs } from '../continue.ts'
import { redoAs } from '../redo.ts'
import { type Chat, progressOf, refusalOf, say, takeAsHandled, wordsOf } from './chat.ts'
import { deleteAll } from './tasks.ts'

/** Pictures of one press: an attempt has few, a batch of memes ten. */
const mostPictures = 12

/** What to say to it, and whether the message's buttons are of use still. */
interface Pressed {
  says: string
  isDone: boolean
}

/** `askedAt`: when the message with the button was sent. */
export async function press(chat: Chat, data: string, askedAt: Date): Promise<Pressed> {
  const pressed = readButton(data)
  if (!pressed) return { says: wordsOf(chat).unknownButton, isDone: true }
  if (pressed.kind === 'keep') return { says: wordsOf(chat).kept, isDone: true }
  try {
    if (pressed.kind === 'delete') return { says: await deleteAll(chat, askedAt), isDone: true }
    const task = await findTask(chat, pressed.task_id ?? '')
    if (!task) return { says: wordsOf(chat).notYours, isDone: false }
    return await act(chat, task, pressed)
  } catch (error) {
    return { says: refusalOf(chat, error), isDone: false }
  }
}

/** Of the chat's own user, or of one who has linked it. */
async function findTask({ deps, user_id, linked }: Chat, id: string): Promise<Task | undefined> {
  for (const owner of [user_id, ...linked]) {
    const task = await readTask(deps.db, { id, user_id: owner })
    if (task) return task
  }
  return undefined
}

async function act(chat: Chat, task: Task, { kind, step, attempt, file }: Press): Promise<Pressed> {
  const { deps, context } = chat
  const { id: task_id, user_id } = task
  const words = wordsOf(chat)
  switch (kind) {
    case 'continue': {
      const moved = await continueAs(deps, context, { user_id }, { task_id, step, all: false })
      if (!moved.moved) return { says: words.decided, isDone: true }
      return { says: words.goesOn({ ...progressOf(moved), step: (step ?? 0) + 1 }), isDone: true }
    }
    case 'redo': {
      const moved = await redoAs(deps, context, { user_id }, { task_id, step, attempt })
      return { says: moved.moved ? words.again(step ?? 1) : words.decided, isDone: true }
    }
    case 'cancel':
      await cancelAs(deps, context, { user_id }, { task_id })
      return { says: words.stopped, isDone: true }
    case 'results':
      return { says: await showResults(chat, task), isDone: false }
    case 'attempts':
      return { says: await showAttempts(chat, task, step ?? 1), isDone: false }
    case 'choose':
      return {
        says: await choose(chat, task, { step: step ?? 1, attempt: attempt ?? 1, file: file ?? 1 }),
        isDone: true,
      }
    default:
      return { says: words.unknownButton, isDone: true }
  }
}

/** Everything that a task has made, step by step. */
async function showResults(chat: Chat, task: Task): Promise<string> {
  const keys = task.steps.flatMap(({ step }) => resultOf(task, step) ?? []).slice(0, mostPictures)
  if (keys.length === 0) return wordsOf(chat).noResults
  await takeAsHandled(chat)
  for (const [index, file] of keys.entries()) {
    await say(chat, wordsOf(chat).status(task.status, { ...progressOf(task), step: index + 1 }), { file })
  }
  return ''
}

/** Each picture of the step that may be chosen, oldest first, with a button that takes it. */
async function showAttempts(chat: Chat, task: Task, step: number): Promise<string> {
  const { id: task_id } = task
  const words = wordsOf(chat)
  if (!isChoiceOpen(task, step)) return words.decided
  const pictures = attemptsOf(task.steps[step - 1]).flatMap(({ attempt }) => {
    const stored = storedAttempt(task, step, attempt)
    return (stored?.files ?? []).map((_, index) => ({ attempt, file: index + 1, stored }))
  })
  await takeAsHandled(chat)
  for (const { attempt, file, stored } of pictures.slice(-mostPictures)) {
    await say(chat, words.attempt(attempt), {
      file: resultKey(task_id, step, stored?.prediction_id ?? '', file - 1),
      buttons: [[{ kind: 'choose', task_id, step, attempt, file }]],
    })
  }
  return pictures.length > 0 ? '' : words.noResults
}

/** What was chosen is shown once more, with the buttons of its gate. */
async function choose(chat: Chat, { id: task_id, user_id }: Task, choice: Choice & { step: number }): Promise<string> {
  const task = await chooseAs(chat.deps, chat.context, { user_id }, { task_id, ...choice })
  if (task.status === 'waiting_continue') {
    const text = told[chat.language].waiting(progressOf(task))
    await say(chat, text, { file: resultOf(task, choice.step), buttons: gateButtons(task) })
  }
  return wordsOf(chat).chosen(choice.attempt)
}
