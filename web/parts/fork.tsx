// Leads on from a picture that is there: to a new try-on of the person in it, with the garments that were still to come, or to an edit of it; and
// from an avatar to pictures made with it. What is paid already is not paid again: the new task begins with the stored result.
import { useEffect, useRef } from 'preact/hooks'
import type { TaskView } from '../client.ts'
import { putDraft, readDraft, revive } from '../draft.ts'
import { recall } from '../memory.ts'
import { readPicture } from '../pictures/picture.ts'
import { isOffered } from '../recipes.ts'
import { go, newPath } from '../route.ts'
import { client, currentUser } from '../session.ts'
import { useWords } from '../settings.tsx'
import { type ChainItem, stillToCome } from '../task-pictures.ts'
import { useDeed } from '../use-deed.ts'
import { Drawn } from './icons.tsx'
import { Problem } from './message.tsx'

interface ForkProps {
  task: TaskView
  shown: ChainItem | undefined
}

export function Fork({ task, shown }: ForkProps) {
  const { task: words } = useWords()
  const { isBusy, error, run } = useDeed()
  const leaving = useRef<AbortController>(undefined)
  useEffect(() => () => leaving.current?.abort(), [])
  if (task.recipe === 'avatar') {
    if (task.status !== 'completed' || !isOffered('portraits')) return null
    return (
      <a class="button" href={newPath('portraits')} onClick={(event) => void pose(event, task.result_url ?? undefined)}>
        <Drawn name="plus" />
        {words.portraits}
      </a>
    )
  }
  const isOpen = task.status !== 'pending' && task.status !== 'processing'
  const way = wayOn(task.recipe)
  if (!isOpen || !shown?.src || shown.kind !== 'image' || shown.step === 0 || !way) return null
  const { src, step } = shown
  const start = (event: Event) => {
    event.preventDefault()
    leaving.current = new AbortController()
    const { signal } = leaving.current
    run(() =>
      fork(task, way, { src, step }, signal).catch((fault) => {
        if (!signal.aborted) throw fault
      }),
    )
  }
  return (
    <>
      <a class="button" href={newPath(way)} aria-disabled={isBusy} onClick={start}>
        <Drawn name="plus" />
        {way === 'edit' ? words.forkEdit : isDressed(task.recipe) ? words.fork : words.forkDress}
      </a>
      {error && <Problem error={error} />}
    </>
  )
}

/** To pictures made with an avatar: what a half filled form has beside stays in it. */
async function pose(event: Event, avatar: string | undefined): Promise<void> {
  event.preventDefault()
  const before = await readDraft<object>('portraits').catch(() => undefined)
  void putDraft('portraits', { ...before, avatar })
  go(newPath('portraits'))
}

const isDressed = (recipe: string): boolean => recipe.startsWith('try-on')

type Way = 'try-on' | 'edit'

/** A person is dressed; any other picture is changed by a sentence. */
function wayOn(recipe: string): Way | undefined {
  const ways: Way[] = isDressed(recipe) || recipe === 'portraits' ? ['try-on', 'edit'] : ['edit', 'try-on']
  return ways.find(isOffered)
}

/** What the form of a try-on keeps; see views/try-on.tsx. */
interface Draft {
  garments?: unknown[]
}

/** Who has left meanwhile is led nowhere. */
async function fork(
  task: TaskView,
  way: Way,
  { src, step }: { src: string; step: number },
  signal: AbortSignal,
): Promise<void> {
  const [remembered, blob, before = {}] = await Promise.all([
    recall(task.task_id),
    client.result(src, signal),
    readDraft<Draft>(way),
  ])
  const draft = task.recipe === 'try-on' ? revive((remembered?.draft ?? {}) as Draft) : {}
  // The picture is stored already: the start request names it, and nothing is sent.
  const person = { ...(await readPicture(blob)), uploaded: { url: src, user: currentUser() } }
  const toCome = stillToCome(task, step, draft.garments ?? [])
  const garments = toCome.length > 0 ? toCome : (before.garments ?? [])
  signal.throwIfAborted()
  // What a half filled form has beside stays in it.
  void putDraft(way, { ...before, ...(way === 'edit' ? { image: person } : { person, garments, auto: false }) })
  go(newPath(way))
}
