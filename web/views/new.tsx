// The first page: which kind of task, its form, and what was started lately.
import { useEffect } from 'preact/hooks'
import type { RecipeName } from '../inputs.ts'
import { offered } from '../recipes.ts'
import { newPath } from '../route.ts'
import { useWords } from '../settings.tsx'
import { AvatarForm } from './avatar.tsx'
import { TaskCards, useTasks } from './history.tsx'
import { MemesForm } from './memes.tsx'
import { TryOnForm } from './try-on.tsx'

const forms = { 'try-on': TryOnForm, avatar: AvatarForm, memes: MemesForm } as const
const recentTasks = 4

export function NewTask({ recipe }: { recipe: RecipeName }) {
  const words = useWords()
  const Form = forms[recipe]
  const [title, lead] = {
    'try-on': [words.form.tryOnTitle, words.form.tryOnLead],
    avatar: [words.form.avatarTitle, words.form.avatarLead],
    memes: [words.form.memesTitle, words.form.memesLead],
  }[recipe]
  useEffect(() => {
    document.title = `${title} · ${words.frame.title}`
  }, [title, words])
  return (
    <>
      {offered.length > 1 && (
        <nav class="tabs" aria-label={words.form.choose}>
          {offered.map((name) => (
            <a key={name} href={newPath(name)} {...(name === recipe && { 'aria-current': 'page' as const })}>
              {words.recipes[name].name}
            </a>
          ))}
        </nav>
      )}
      <header class="lead">
        <h1>{title}</h1>
        <p>{lead}</p>
      </header>
      <Form key={recipe} />
      <Recent />
    </>
  )
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
