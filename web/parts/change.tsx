// Says what shall be different, and makes the step again so: in the fields of the recipe's own changes, and how many pictures to choose from.
// What is there already stays.
import { useRef, useState } from 'preact/hooks'
import type { TaskView } from '../client.ts'
import { uploadAll } from '../pictures/upload.ts'
import { offerOf } from '../recipes.ts'
import { type FormField, fieldsOf, lackOf, type Values } from '../schema.ts'
import { useWords } from '../settings.tsx'
import { askedWith } from '../task-pictures.ts'
import type { FollowedTask } from '../use-task.ts'
import { inputOf, picturesIn } from '../values.ts'
import { Drawn } from './icons.tsx'
import { SchemaField } from './schema-field.tsx'

export function Change({ task, followed }: { task: TaskView; followed: FollowedTask }) {
  const { task: words } = useWords()
  const dialog = useRef<HTMLDialogElement>(null)
  const [given, setGiven] = useState<Values>({})
  const [count, setCount] = useState<number>()
  const { changes_schema: schema = null, candidates: most = 1 } = offerOf(task.recipe) ?? {}
  if (!schema && most === 1) return null
  const fields = schema ? fieldsOf(schema) : []
  const asked = askedWith(task, Math.max(1, task.current_step))
  const values = { ...saidBefore(fields, asked.change), ...given }
  const change = async () => {
    await uploadAll(picturesIn(values), () => undefined)
    return inputOf(fields, values)
  }
  const send = () => {
    dialog.current?.close()
    followed.act('redo', { ...(schema && { change }), ...(most > 1 && { candidates: count ?? asked.candidates }) })
  }
  return (
    <>
      <button
        type="button"
        class="button"
        disabled={followed.busy !== undefined}
        onClick={() => dialog.current?.showModal()}
      >
        <Drawn name="image" />
        {words.sayWhat}
      </button>
      <dialog ref={dialog} class="dialog" aria-labelledby="change-title">
        <h2 id="change-title">{words.changeTitle}</h2>
        <p>{words.changeHint}</p>
        {fields.map((field) => (
          <SchemaField
            key={field.name}
            field={field}
            value={values[field.name]}
            onChange={(value) => setGiven((before) => ({ ...before, [field.name]: value }))}
            isLacking={false}
          />
        ))}
        {most > 1 && <Candidates most={most} count={count ?? asked.candidates} onCount={setCount} />}
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            {words.back}
          </button>
          <button type="button" class="button primary" disabled={lackOf(fields, values) !== undefined} onClick={send}>
            {words.changeGo}
          </button>
        </div>
      </dialog>
    </>
  )
}

/** What the last change said, to be altered. A picture of it has no address that could be sent again: it, and the numbers beside it, are asked anew. */
function saidBefore(fields: readonly FormField[], change: Values): Values {
  const isWritten = ({ kind }: FormField) => kind !== 'image' && kind !== 'images' && kind !== 'archive'
  const hadPicture = fields.some((field) => !isWritten(field) && change[field.name] !== undefined)
  const kept = fields.filter((field) => isWritten(field) && (!hadPicture || typeof change[field.name] === 'string'))
  const said = kept.filter(({ name }) => change[name] !== undefined)
  return Object.fromEntries(
    said.map(({ name, kind }) => [name, kind === 'json' ? JSON.stringify(change[name]) : change[name]]),
  )
}

function Candidates({ most, count, onCount }: { most: number; count: number; onCount: (count: number) => void }) {
  const { task } = useWords()
  return (
    <label class="labelled">
      <span>{task.candidatesLabel}</span>
      <select
        class="field"
        value={String(count)}
        onChange={({ currentTarget }) => onCount(Number(currentTarget.value))}
      >
        {Array.from({ length: most }, (_, index) => (
          <option key={index} value={String(index + 1)}>
            {index + 1}
          </option>
        ))}
      </select>
    </label>
  )
}
