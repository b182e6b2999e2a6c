// A field that a result of one's own fills, of one kind of task: the finished ones are listed, newest first. The form of any recipe shows it.
import { useEffect, useState } from 'preact/hooks'
import type { StepgateError, TaskView } from '../client.ts'
import { agoInWords } from '../clock.ts'
import { newPath } from '../route.ts'
import type { FormField } from '../schema.ts'
import { client, currentUser } from '../session.ts'
import { useSettings } from '../settings.tsx'
import { asProblem } from '../use-task.ts'
import { Shortcomings } from './form.tsx'
import { Problem } from './message.tsx'
import { taskOf, useLack } from './schema-field.tsx'
import { Choice } from './submit-bar.tsx'

interface ResultFieldProps {
  field: FormField
  /** Whose results it takes. */
  recipe: string
  value: unknown
  onChange: (value: unknown) => void
  /** Start was pressed without it. */
  isLacking: boolean
}

export function ResultField({ field, recipe, value, onChange, isLacking }: ResultFieldProps) {
  const lack = useLack(field, isLacking)
  const { words, language } = useSettings()
  const { tasks, error } = useFinished(recipe)
  const label = words.fields.nameOf(field.name)
  const { name } = words.recipes.of(recipe)
  const options = Object.fromEntries(
    (tasks ?? []).map(({ task_id, created_at }) => [task_id, `${name} · ${agoInWords(created_at, language)}`]),
  )
  // One that is older than those listed, or was deleted meanwhile.
  const chosen = taskOf(value)
  const listed = chosen && tasks && !(chosen in options) ? { ...options, [chosen]: words.form.fromTask } : options
  const take = (taskId: string) => onChange(tasks?.find(({ task_id }) => task_id === taskId)?.result_url ?? value)
  return (
    <section class="part" aria-labelledby={`field-${field.name}`} {...(isLacking && { 'data-lacking': true })}>
      <h2 id={`field-${field.name}`}>{label}</h2>
      {error && <Problem error={error} />}
      {Object.keys(listed).length > 0 && (
        <Choice name={field.name} legend={label} options={listed} value={chosen} onChange={take} isListed />
      )}
      {tasks?.length === 0 && (
        <p class="fine">
          {words.form.noResults} <a href={newPath(recipe)}>{words.recipes.of(recipe).title}</a>
        </p>
      )}
      <Shortcomings lack={lack} />
    </section>
  )
}

const mostListed = 100

/** Undefined until known. */
function useFinished(recipe: string) {
  const [tasks, setTasks] = useState<readonly TaskView[]>()
  const [error, setError] = useState<StepgateError>()
  useEffect(() => {
    // Whoever was never here has made nothing.
    if (!currentUser()) {
      setTasks([])
      return undefined
    }
    const leaving = new AbortController()
    client.tasks({ limit: mostListed }, leaving.signal).then(
      (page) => setTasks(page.tasks.filter((task) => task.recipe === recipe && task.result_url && isDone(task))),
      (fault) => leaving.signal.aborted || setError(asProblem(fault)),
    )
    return () => leaving.abort()
  }, [recipe])
  return { tasks, error }
}

const isDone = ({ status }: TaskView): boolean => status === 'completed'
