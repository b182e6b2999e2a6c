// What a person can do with their task now. A button does nothing while another one's doing is under way.
import type { TaskView } from '../client.ts'
import { putDraft, revive } from '../draft.ts'
import { recall } from '../memory.ts'
import { go, newPath } from '../route.ts'
import { useWords } from '../settings.tsx'
import { type ChainItem, downloadUrl, nameAt, pricesOf } from '../task-pictures.ts'
import type { Deed, FollowedTask, Wish } from '../use-task.ts'
import { withPrice } from '../use-usage.ts'
import { Asked } from './asked.tsx'
import { Change } from './change.tsx'
import { DownloadLink } from './download.tsx'
import { Fork } from './fork.tsx'
import { Drawn, type IconName } from './icons.tsx'

interface ActionsProps {
  task: TaskView
  followed: FollowedTask
  /** The picture in sight: what goes on is what is seen. */
  shown: ChainItem | undefined
}

export function Actions({ task, followed, shown }: ActionsProps) {
  const words = useWords()
  const { status, current_step, total_steps } = task
  const seen = shown?.step ? shown.src : undefined
  const url = seen ?? task.result_url ?? task.intermediate_result
  const { recipe } = task
  const isOver = status === 'completed' || status === 'canceled' || status === 'failed'
  const { redo, next, rest } = pricesOf(task)
  const deed = (name: Deed, label: string, icon: IconName, kind = '') => (
    <DeedButton name={name} label={label} icon={icon} kind={kind} followed={followed} wish={{ choice: choice?.of }} />
  )
  const choice = choiceOf(task, shown)
  const goOn =
    choice && !choice.isChosen
      ? words.task.continueWith(choice.name)
      : words.task.continue(current_step + 1, total_steps)
  return (
    <div class="actions">
      {status === 'waiting_continue' && deed('continue', withPrice(goOn, next), 'arrow', 'primary big')}
      {status === 'completed' &&
        choice &&
        !choice.isChosen &&
        deed('choose', words.task.choose(choice.name), 'check', 'primary big')}
      {status === 'failed' && deed('redo', withPrice(words.task.redo, redo), 'redo', 'primary big')}
      {status === 'completed' && url && (
        <DownloadLink url={downloadUrl(url)} name={nameAt(task, url)} kind="button primary big" />
      )}
      <div class="actions-more">
        {status === 'waiting_continue' && deed('redo', withPrice(words.task.redo, redo), 'redo')}
        {(status === 'waiting_continue' || status === 'failed') && <Change task={task} followed={followed} />}
        <Fork task={task} shown={shown} />
        {!isOver && <Stop followed={followed} />}
        {isOver && status !== 'completed' && url && (
          <DownloadLink url={downloadUrl(url)} name={nameAt(task, url)} kind="button" />
        )}
        {isOver && (
          <a class="button" href={newPath(recipe)} onClick={(event) => void fillAgain(event, task.task_id, recipe)}>
            <Drawn name={status === 'failed' ? 'image' : 'plus'} />
            {status === 'failed' ? words.task.change : words.task.again}
          </a>
        )}
      </div>
      {status === 'waiting_continue' &&
        current_step + 1 < total_steps &&
        deed('all', withPrice(words.task.all, rest), 'arrow', 'quiet')}
    </div>
  )
}

/** To the form, filled with what this task was given, where this browser knows it. */
async function fillAgain(event: Event, taskId: string, recipe: string): Promise<void> {
  event.preventDefault()
  const remembered = await recall(taskId)
  if (remembered?.draft !== undefined) void putDraft(recipe, revive(remembered.draft))
  go(newPath(recipe))
}

/** The picture in sight, where it is one that may become the result now. */
function choiceOf({ current_step, status }: TaskView, shown: ChainItem | undefined) {
  if (!shown?.choice || shown.step !== current_step || !['waiting_continue', 'completed'].includes(status))
    return undefined
  const { attempt, file, isChosen } = shown.choice
  return { of: { attempt, file }, isChosen, name: shown.name }
}

interface DeedButtonProps {
  name: Deed
  label: string
  icon: IconName
  kind: string
  followed: FollowedTask
  wish: Wish
}

function DeedButton({ name, label, icon, kind, followed, wish }: DeedButtonProps) {
  const { busy } = followed
  return (
    <button
      type="button"
      class={`button ${kind} ${busy === name ? 'busy' : ''}`}
      disabled={busy !== undefined}
      onClick={() => followed.act(name, name === 'redo' ? {} : wish)}
    >
      <Drawn name={icon} />
      {label}
    </button>
  )
}

function Stop({ followed }: Pick<ActionsProps, 'followed'>) {
  const { task } = useWords()
  return (
    <Asked
      title={task.stopTitle}
      help={task.stopHelp}
      keep={task.back}
      yes={task.stop}
      isBusy={followed.busy === 'cancel'}
      isDisabled={followed.busy !== undefined}
      onYes={() => followed.act('cancel')}
    >
      <Drawn name="stop" />
      {task.stop}
    </Asked>
  )
}
