// Everything the person started, newest first, kept up to date by one request for all of it.
import { useEffect, useState } from 'preact/hooks'
import type { StepgateError, TaskView, Trouble } from '../client.ts'
import { agoInWords } from '../clock.ts'
import { Drawn } from '../parts/icons.tsx'
import { Problem } from '../parts/message.tsx'
import { YourData } from '../parts/privacy.tsx'
import { Thumb } from '../parts/thumb.tsx'
import { makesOnlyFiles } from '../recipes.ts'
import { homePath, taskPath } from '../route.ts'
import { client, currentUser } from '../session.ts'
import { useSettings, useWords } from '../settings.tsx'
import { coverOf } from '../task-pictures.ts'
import { useTrouble } from '../trouble.tsx'
import { useDeed } from '../use-deed.ts'
import { asProblem } from '../use-task.ts'
import { useTitle } from '../use-title.ts'
import { isHidden, onWake } from '../wakes.ts'

interface Page {
  tasks: TaskView[]
  next_cursor: string | null
}

/** Undefined until known. Whoever was never here has no tasks, and no request is made to find that out. */
export function useTasks(limit: number) {
  const [page, setPage] = useState<Page>()
  const [trouble, setTrouble] = useState<Trouble>()
  const [error, setError] = useState<StepgateError>()
  useEffect(() => {
    if (!currentUser()) {
      setPage({ tasks: [], next_cursor: null })
      return
    }
    const leaving = new AbortController()
    const { signal } = leaving
    setTrouble(undefined)
    let isFollowed = false
    const follow = async () => {
      if (isFollowed) return
      isFollowed = true
      try {
        const watched = client.watchTasks({ limit }, { signal, isHidden, onTrouble: setTrouble, onWake })
        for await (const newest of watched) {
          setError(undefined)
          setPage(newest)
        }
      } catch (fault) {
        if (!signal.aborted) setError(asProblem(fault))
      } finally {
        isFollowed = false
      }
    }
    void follow()
    // A watch that has ended misses what another tab starts, and an error that waiting alone doesn't mend may be over.
    const stopWaking = onWake(() => void follow())
    return () => {
      leaving.abort()
      stopWaking()
    }
  }, [limit])
  return { page, trouble, error }
}

const pageSize = 20
const mostAtOnce = 100

/** What is older than all that is watched: asked for once, page by page. */
function useOlder() {
  const [{ tasks, next_cursor }, setOlder] = useState<Partial<Page>>({})
  const { isBusy, error, run } = useDeed()
  const more = (cursor: string) =>
    run(async () => {
      const next = await client.tasks({ limit: mostAtOnce, cursor })
      setOlder(({ tasks: known = [] }) => ({ ...next, tasks: [...known, ...next.tasks] }))
    })
  return { tasks: tasks ?? [], next_cursor, isBusy, error, more }
}

export function History() {
  const words = useWords()
  const [limit, setLimit] = useState(pageSize)
  const { page, trouble, error } = useTasks(limit)
  const older = useOlder()
  const next = older.next_cursor === undefined ? page?.next_cursor : older.next_cursor
  const showMore = () =>
    limit < mostAtOnce ? setLimit(Math.min(mostAtOnce, limit + pageSize)) : next && older.more(next)
  const newest = new Set(page?.tasks.map(({ task_id }) => task_id))
  useTrouble(trouble)
  useTitle(words.history.title)
  return (
    <section class="history" aria-labelledby="history-title">
      <header class="lead">
        <h1 id="history-title">{words.history.title}</h1>
        <p>{page?.tasks.length === 0 ? words.history.empty : words.history.lead}</p>
      </header>
      {error && <Problem error={error} />}
      {page && <TaskCards tasks={[...page.tasks, ...older.tasks.filter(({ task_id }) => !newest.has(task_id))]} />}
      {older.error && <Problem error={older.error} />}
      {page?.tasks.length === 0 && (
        <a class="button primary" href={homePath}>
          {words.history.begin}
        </a>
      )}
      {next && (
        <button type="button" class="button" disabled={older.isBusy} onClick={showMore}>
          {words.history.more}
        </button>
      )}
      {currentUser() && <YourData />}
    </section>
  )
}

export function TaskCards({ tasks }: { tasks: readonly TaskView[] }) {
  return (
    <ul class="cards">
      {tasks.map((task) => (
        <li key={task.task_id}>
          <TaskCard task={task} />
        </li>
      ))}
    </ul>
  )
}

function TaskCard({ task }: { task: TaskView }) {
  const { words, language } = useSettings()
  const cover = coverOf(task)
  const { name } = words.recipes.of(task.recipe)
  return (
    <a class="card" href={taskPath(task.task_id)}>
      <span class={`frame ${cover && cover.kind !== 'file' ? '' : 'empty'}`}>
        {cover ? <Thumb {...cover} lazy /> : <Drawn name={makesOnlyFiles(task.recipe) ? 'file' : 'image'} />}
      </span>
      <span class="card-text">
        <span class={`badge ${task.status}`}>{words.history.status[task.status]}</span>
        <span class="card-name">
          {name}
          {task.total_steps > 1 && ` · ${words.task.stepOf(Math.max(1, task.current_step), task.total_steps)}`}
        </span>
        <span class="fine">{agoInWords(task.created_at, language)}</span>
      </span>
    </a>
  )
}
