// One task: the picture large, what is happening beside it, the chain beneath. Found again by its address after anything.
import { useEffect, useState } from 'preact/hooks'
import type { TaskView } from '../client.ts'
import { recall } from '../memory.ts'
import { Actions } from '../parts/actions.tsx'
import { Attempts } from '../parts/attempts.tsx'
import { Chain } from '../parts/chain.tsx'
import { Message, Problem, ProblemPage } from '../parts/message.tsx'
import { TaskPrivacy } from '../parts/privacy.tsx'
import { Progress } from '../parts/progress.tsx'
import { FileStage, Stage } from '../parts/stage.tsx'
import { TellInTelegram } from '../parts/telegram.tsx'
import { TellMe } from '../parts/tell-me.tsx'
import { makesOnlyFiles } from '../recipes.ts'
import { useWords } from '../settings.tsx'
import {
  attemptsOf,
  type ChainItem,
  chainOf,
  isMoving,
  nameAt,
  newestOf,
  openStep,
  type StartPictures,
  stillOf,
} from '../task-pictures.ts'
import { useTrouble } from '../trouble.tsx'
import { type FollowedTask, useTask } from '../use-task.ts'
import { useNews } from '../use-title.ts'
import type { Words } from '../words/en.ts'

export function TaskPage({ taskId }: { taskId: string }) {
  const words = useWords()
  const followed = useTask(taskId)
  const start = useStartPictures(taskId)
  useTrouble(followed.trouble)
  const { task, error } = followed
  if (task) return <ShownTask task={task} start={start} followed={followed} />
  if (error) return <ProblemPage error={error} />
  return (
    <div class="loading" role="status">
      <span class="frame empty developing" />
      <p class="fine">{words.task.loading}</p>
    </div>
  )
}

interface ShownTaskProps {
  task: TaskView
  start: StartPictures
  followed: FollowedTask
}

function ShownTask({ task, start, followed }: ShownTaskProps) {
  const words = useWords()
  const [picked, setPicked] = useState<string>()
  const open = openStep(task, followed.isRedoing)
  const chain = chainOf(task, start, open, words)
  const newest = newestOf(chain)
  const newestSrc = newest?.src
  // A new result comes to the front, whatever was looked at before.
  useEffect(() => setPicked(undefined), [newestSrc])
  const inChain = chain.find(({ src }) => src && src === picked) ?? newest
  const attempts = attemptsOf(task, stepOfPicture(picked) ?? inChain?.step ?? 0, words)
  const shown = attempts.find(({ src }) => src === picked && src !== inChain?.src) ?? inChain
  const choice = attempts.find(({ src }) => src === shown?.src)
  const isOfFiles = makesOnlyFiles(task.recipe) || (newest?.kind === 'file' && task.total_steps === 1)
  return (
    <article class={`task ${task.status} ${task.recipe}`}>
      {isOfFiles || shown?.kind === 'file' ? (
        <FileStage isReady={!isOfFiles || task.status === 'completed'} isModel={task.recipe === 'avatar'} />
      ) : (
        <Stage
          shown={shown}
          fileName={nameAt(task, shown?.src ?? '')}
          before={beforeOf(chain, shown, task)}
          poster={shown && stillOf(chain, shown.step)}
          isDeveloping={isMoving(task) && shown === newest}
        />
      )}
      <div class="panel">
        <p class="eyebrow">
          {words.recipes.of(task.recipe).name}
          {task.total_steps > 1 && <span> · {words.task.stepOf(open, task.total_steps)}</span>}
        </p>
        <Headline task={task} open={open} />
        <Progress task={task} open={open} />
        {!isOfFiles && attempts.length > 1 && (
          <Attempts attempts={attempts} shown={choice ?? shown} isOfMany={task.total_steps > 1} onShow={setPicked} />
        )}
        {followed.error && <Problem error={followed.error} />}
        {followed.isRetrying && <Message kind="notice" title={words.frame.retrying} />}
        <Actions task={task} followed={followed} shown={choice ?? shown} />
        {isMoving(task) && <TellMe />}
        {!task.finished_at && <TellInTelegram />}
        <TaskPrivacy task={task} shown={choice ?? shown} />
      </div>
      {!isOfFiles && chain.length > 1 && <Chain chain={chain} shown={shown} onShow={({ src }) => setPicked(src)} />}
    </article>
  )
}

/** Which step an address of a result shows. */
const stepOfPicture = (src: string | undefined): number | undefined =>
  src?.startsWith('/api/') ? Number(new URLSearchParams(src.replace(/^.*\?/, '')).get('step')) : undefined

/** Memes don't build on each other; a dressed person is compared with how they came. */
function beforeOf(chain: readonly ChainItem[], shown: ChainItem | undefined, task: TaskView): ChainItem | undefined {
  if (task.recipe === 'memes' || !shown) return undefined
  return chain.find(({ step, src }) => src && step < shown.step)
}

/** Says aloud what has changed, and takes the focus from a button that is gone. */
function Headline({ task, open }: { task: TaskView; open: number }) {
  const words = useWords()
  const [title, help] = headlineOf(task, open, words)
  const heading = useNews(title)
  return (
    <div class="headline">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <div aria-live="polite">
        <span class="hidden-text">{title}. </span>
        {help && <p class="help">{help}</p>}
      </div>
    </div>
  )
}

function headlineOf(task: TaskView, open: number, { task: words, taskErrors }: Words): [string, string] {
  const { total_steps: all } = task
  switch (task.status) {
    case 'pending':
    case 'processing':
      return [words.making(open, all), '']
    case 'waiting_continue':
      return [words.ready(open, all), words.readyHelp]
    case 'completed':
      return [words.done, task.recipe === 'try-on' ? words.doneHelp(all) : words.doneOther]
    case 'canceled':
      if (task.error_code) return [words.canceled, taskErrors[task.error_code].join(' ')]
      return [words.canceled, task.intermediate_result ? words.canceledHelp : words.canceledEmpty]
    case 'failed':
      return [words.failedAt(open, all), task.error_code ? taskErrors[task.error_code].join(' ') : '']
  }
}

function useStartPictures(taskId: string): StartPictures {
  const [pictures, setPictures] = useState<StartPictures>({ person: undefined, garments: [] })
  useEffect(() => {
    const made: string[] = []
    const urlOf = (blob: Blob) => {
      const url = URL.createObjectURL(blob)
      made.push(url)
      return url
    }
    let isLeft = false
    void recall(taskId).then((remembered) => {
      if (!remembered || isLeft) return
      const { person, garments } = remembered
      setPictures({ person: person && urlOf(person), garments: garments.map(({ image }) => urlOf(image)) })
    })
    return () => {
      isLeft = true
      for (const url of made) URL.revokeObjectURL(url)
    }
  }, [taskId])
  return pictures
}
