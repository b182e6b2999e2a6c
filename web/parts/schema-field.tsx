// One field of a form that is made from a schema: a text, a number, a choice, a switch, pictures, or a file.
import type { ComponentChildren, RefObject } from 'preact'
import { useRef } from 'preact/hooks'
import type { Picture } from '../pictures/picture.ts'
import { dropUpload } from '../pictures/upload.ts'
import { taskPath } from '../route.ts'
import { type FormField, inLetters, shownIn } from '../schema.ts'
import { useWords } from '../settings.tsx'
import { usePictureReader } from '../use-form.ts'
import { Shortcomings, useFocusAfterRemoval } from './form.tsx'
import { Drawn } from './icons.tsx'
import { Drop, FileButton, useLooseFiles } from './picker.tsx'
import { Choice, Switch } from './submit-bar.tsx'

interface FieldProps {
  field: FormField
  value: unknown
  onChange: (value: unknown) => void
  /** Start was pressed without it. */
  isLacking: boolean
  /** It takes pictures that are pasted, or dropped beside every box. */
  isForLooseFiles?: boolean
  /** A picture's file begins to be read, or is. */
  onReading?: (more: 1 | -1) => void
}

export function SchemaField(props: FieldProps) {
  const { field, value, onChange } = props
  const label = useLabel(field)
  switch (field.kind) {
    case 'image':
      return <Pictures {...props} most={1} />
    case 'images':
      return <Pictures {...props} most={field.most ?? 10} />
    case 'archive':
      return <ArchiveField {...props} />
    case 'switch':
      return <Switch label={label} checked={shownIn(field, value) === true} onChange={onChange} />
    case 'choice': {
      const options = Object.fromEntries(field.options.map((option) => [String(option), inLetters(String(option))]))
      const byText = (text: string) => onChange(field.options.find((option) => String(option) === text))
      const chosen = String(shownIn(field, value) ?? '')
      return (
        <div class="labelled">
          <span aria-hidden="true">{label}</span>
          <Choice name={field.name} legend={label} options={options} value={chosen} onChange={byText} />
        </div>
      )
    }
    default: {
      const task = taskOf(value)
      return task ? <OwnResult {...props} task={task} /> : <WrittenField {...props} />
    }
  }
}

const resultOf = /^\/api\/result\?task_id=([0-9a-f-]{36})&/i

/** The task that a result's address is of. */
export const taskOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? resultOf.exec(value)?.[1] : undefined

/** A result of one's own, which another page has filled in: its address says nothing to a person. */
function OwnResult({ field, onChange, task }: FieldProps & { task: string }) {
  const { form } = useWords()
  const label = useLabel(field)
  return (
    <Part title={label} id={`field-${field.name}`}>
      <div class="line">
        <a href={taskPath(task)}>{form.fromTask}</a>
        <button type="button" class="icon-button" aria-label={form.remove(label)} onClick={() => onChange(undefined)}>
          <Drawn name="close" />
        </button>
      </div>
    </Part>
  )
}

type Written = 'text' | 'long' | 'lines' | 'number' | 'json'

function WrittenField({ field, value, onChange, isLacking }: FieldProps) {
  const label = useLabel(field)
  const { form } = useWords()
  const kind = field.kind as Written
  const lack = useLack(field, isLacking)
  const shown = shownIn(field, value)
  const text = Array.isArray(shown) ? shown.join('\n') : String(shown ?? '')
  const take = (written: string) => {
    if (kind === 'lines') return onChange(written === '' ? undefined : written.split('\n'))
    if (kind === 'number') return onChange(written === '' ? undefined : Number(written))
    onChange(written === '' ? undefined : written)
  }
  const id = `field-${field.name}`
  const common = { id, class: 'field', 'aria-invalid': isLacking, value: text, name: field.name }
  const longest = 'longest' in field && field.longest !== undefined ? { maxLength: field.longest } : {}
  return (
    <div class="labelled">
      <label for={id}>{label}</label>
      {kind === 'text' && (
        <input type="text" {...common} {...longest} onInput={({ currentTarget }) => take(currentTarget.value)} />
      )}
      {field.kind === 'number' && (
        <input
          type="number"
          {...common}
          min={field.least}
          max={field.most}
          onInput={({ currentTarget }) => take(currentTarget.value)}
        />
      )}
      {['long', 'lines', 'json'].includes(kind) && (
        <textarea
          {...common}
          {...longest}
          rows={kind === 'lines' ? 5 : 4}
          onInput={({ currentTarget }) => take(currentTarget.value)}
        />
      )}
      {kind === 'lines' && <span class="fine">{form.oneALine}</span>}
      {kind === 'json' && <span class="fine">{form.asJson}</span>}
      <Shortcomings lack={lack} />
    </div>
  )
}

/** What a field is called here, and that it may be left out. */
function useLabel({ name, isRequired, kind }: FormField): string {
  const { form, fields } = useWords()
  return isRequired || kind === 'switch' ? fields.nameOf(name) : form.optional(fields.nameOf(name))
}

/** What Start says of it, where it is lacking. */
export function useLack({ name, kind }: FormField, isLacking: boolean): string | undefined {
  const { form, fields } = useWords()
  if (!isLacking) return undefined
  const called = fields.nameOf(name)
  // A text may be there, and be no JSON.
  return kind === 'json' ? form.notRight(called) : form.needField(called)
}

interface PartProps {
  title: string
  id: string
  container?: RefObject<HTMLElement | null>
  children: ComponentChildren
}

const Part = ({ title, id, container, children }: PartProps) => (
  <section class="part" aria-labelledby={id} {...(container && { ref: container })}>
    <h2 id={id}>{title}</h2>
    {children}
  </section>
)

function Pictures({
  field,
  value,
  onChange,
  isLacking,
  isForLooseFiles,
  onReading,
  most,
}: FieldProps & { most: number }) {
  const { form } = useWords()
  const label = useLabel(field)
  const lack = useLack(field, isLacking)
  const reader = usePictureReader(onReading)
  const pictures = [value ?? []].flat() as Picture[]
  // What is there once files are read, which takes a while.
  const latest = useRef(pictures)
  latest.current = pictures
  const set = (next: readonly Picture[]) => {
    for (const picture of latest.current) if (!next.includes(picture)) dropUpload(picture)
    onChange(most === 1 ? next[0] : next.length > 0 ? next : undefined)
  }
  const take = (files: File[]) =>
    void reader.read(most === 1 ? files.slice(0, 1) : files, (read) =>
      set(most === 1 ? read : [...latest.current, ...read].slice(0, most)),
    )
  useLooseFiles(isForLooseFiles ? take : undefined)
  const only = most === 1 ? pictures[0] : undefined
  const { container, onRemoved } = useFocusAfterRemoval<HTMLElement>()
  const remove = (id: string, index: number) => {
    onRemoved(index)
    set(pictures.filter((one) => one.id !== id))
  }
  return (
    <Part title={label} id={`field-${field.name}`} container={container}>
      {most > 1 && pictures.length > 0 && (
        <ul class="pile">
          {pictures.map(({ id, url }, index) => (
            <li key={id}>
              <img src={url} alt={`${index + 1}`} width="84" height="84" />
              <button
                type="button"
                class="icon-button"
                aria-label={form.remove(`${index + 1}`)}
                data-remove
                onClick={() => remove(id, index)}
              >
                <Drawn name="close" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <Drop class={only ? 'drop-person filled' : 'drop-small'} onFiles={take}>
        {only && <img class="person" src={only.url} alt={label} />}
        {pictures.length < most || only ? (
          <FileButton
            class={only ? 'quiet' : ''}
            label={
              <>
                <Drawn name="image" />
                {only ? form.changePhoto : form.choosePhoto}
              </>
            }
            onFiles={take}
            multiple={most > 1}
            isLacking={isLacking}
          />
        ) : (
          <span class="fine">{form.noMore(most)}</span>
        )}
        {reader.isReading && <span class="fine">{form.preparing}</span>}
      </Drop>
      <Shortcomings bad={reader.bad} lack={lack} />
    </Part>
  )
}

function ArchiveField({ field, value, onChange, isLacking }: FieldProps) {
  const { form } = useWords()
  const label = useLabel(field)
  const lack = useLack(field, isLacking)
  return (
    <Part title={label} id={`field-${field.name}`}>
      <Drop class="drop-small" onFiles={([file]) => onChange(file)}>
        <FileButton
          label={form.chooseZip}
          accept=".zip,application/zip"
          onFiles={([file]) => onChange(file)}
          isLacking={isLacking}
        />
        <span class="fine">{value instanceof File ? value.name : ''}</span>
      </Drop>
      <Shortcomings lack={lack} />
    </Part>
  )
}
