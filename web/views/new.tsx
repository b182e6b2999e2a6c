// The first page: which kind of task, its form, and what was started lately.
import { useEffect, useErrorBoundary, useRef } from 'preact/hooks'
import { dropDraft } from '../draft.ts'
import { Problem } from '../parts/message.tsx'
import { hasOwnForm, namesOf, type OwnForm, useOffers } from '../recipes.ts'
import { newPath } from '../route.ts'
import { useWords } from '../settings.tsx'
import { asProblem } from '../use-task.ts'
import { useTitle } from '../use-title.ts'
import { AnyForm } from './any.tsx'
import { AvatarForm } from './avatar.tsx'
import { TaskCards, useTasks } from './history.tsx'
import { MemesForm } from './memes.tsx'
import { TryOnForm } from './try-on.tsx'

const ownForms: Record<OwnForm, () => preact.JSX.Element> = {
  'try-on': TryOnForm,
  avatar: AvatarForm,
  memes: MemesForm,
}
const recentTasks = 4

export function NewTask({ recipe: wanted }: { recipe: string | undefined }) {
  const words = useWords()
  const offers = useOffers()
  const names = namesOf(offers)
  const recipe = wanted ?? names[0] ?? 'try-on'
  const { title, lead } = words.recipes.of(recipe)
  useTitle(title)
  const tabs = useRef<HTMLElement>(null)
  // On a phone there are more recipes than fit. Not by scrollIntoView: the first press of Tab would then begin there, past the skip link.
  useEffect(() => {
    const [row, tab] = [tabs.current, tabs.current?.querySelector(`a[href='${newPath(recipe)}']`)].map((element) =>
      element?.getBoundingClientRect(),
    )
    if (row && tab) tabs.current?.scrollBy({ left: tab.left + tab.width / 2 - row.left - row.width / 2 })
  }, [recipe, names.length])
  return (
    <>
      {names.length > 1 && (
        <nav class="tabs" aria-label={words.form.choose} ref={tabs}>
          {names.map((name) => (
            <a key={name} href={newPath(name)} {...(name === recipe && { 'aria-current': 'page' as const })}>
              {words.recipes.of(name).name}
            </a>
          ))}
        </nav>
      )}
      <header class="lead">
        <h1>{title}</h1>
        <p>{lead}</p>
      </header>
      <FormOf key={recipe} recipe={recipe} />
      <Recent />
    </>
  )
}

function FormOf({ recipe }: { recipe: string }) {
  const { form } = useWords()
  // What another version of the page has kept of a form may be of another shape: the form begins anew, once.
  const faults = useRef(0)
  const [fault, begin] = useErrorBoundary((error) => {
    console.warn('The form of last time is left aside:', error)
    faults.current += 1
    dropDraft(recipe)
  })
  useEffect(() => {
    if (fault && faults.current === 1) begin()
  }, [fault])
  const offers = useOffers()
  const offer = offers.find(({ name }) => name === recipe)
  if (fault) return faults.current > 1 && <Problem error={asProblem(fault)} />
  if (!offer) return <p role="status">{form.notOffered}</p>
  if (hasOwnForm(recipe)) {
    const Own = ownForms[recipe]
    return <Own />
  }
  return <AnyForm offer={offer} />
}

/** The history says what went wrong, if its request does; here it is only left out. */
function Recent() {
  const { form } = useWords()
  const { page } = useTasks(recentTasks)
  if (!page || page.tasks.length === 0) return null
  return (
    <section class="recent" aria-labelledby="recent-title">
      <h2 id="recent-title">{form.recent}</h2>
      <TaskCards tasks={page.tasks} />
    </section>
  )
}
