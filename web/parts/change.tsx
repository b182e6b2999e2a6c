// Says what shall be different, and makes the step again so: in the fields of the recipe's own changes, and how many pictures to choose from.
// What is there already stays. What was said and isn't made yet outlasts a reload.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { TaskView } from '../client.ts'
import { changeDraft, putDraft, readDraft } from '../draft.ts'
import { recall } from '../memory.ts'
import { forgetUploads, uploadAll } from '../pictures/upload.ts'
import { offerOf } from '../recipes.ts'
import { type FormField, fieldsOf, isEmpty, lackOf, type Values } from '../schema.ts'
import { useWords } from '../settings.tsx'
import { askedWith } from '../task-pictures.ts'
import type { FollowedTask } from '../use-task.ts'
import { withPrice } from '../use-usage.ts'
import { inputOf, picturesIn } from '../values.ts'
import { Drawn } from './icons.tsx'
import { Problem } from './message.tsx'
import { SchemaField } from './schema-field.tsx'
import { HowMany } from './submit-bar.tsx'

/** What a person has said, of the attempt that they saw. */
interface Said {
  at: string
  given: Values
  count?: number
}

export function Change({ task, followed }: { task: TaskView; followed: FollowedTask }) {
  const { task: words } = useWords()
  const dialog = useRef<HTMLDialogElement>(null)
  const [known, setKnown] = useState<{ started: Values; said: Said | undefined }>()
  const step = Math.max(1, task.current_step)
  const at = `${step} ${task.steps[step - 1]?.attempt}`
  useEffect(() => dialog.current?.close(), [at])
  useEffect(() => {
    let isLeft = false
    void Promise.all([recall(task.task_id), readSaid(task.task_id)]).then(
      ([remembered, said]) => !isLeft && setKnown({ started: (remembered?.draft ?? {}) as Values, said }),
    )
    return () => {
      isLeft = true
      setKnown(undefined)
    }
  }, [task.task_id])
  const { changes_schema: schema = null, candidates: most = 1 } = offerOf(task.recipe) ?? {}
  if (!schema && most === 1) return null
  // Where each step puts on a garment of its own, it is clear which is meant.
  const fields = fieldsOf(schema ?? {}).filter(({ name }) => name !== 'garment' || task.total_steps === 1)
  return (
    <>
      <button
        type="button"
        class="button"
        // Words that came only after it was opened would appear under the person's hands.
        disabled={followed.busy !== undefined || !known}
        onClick={() => dialog.current?.showModal()}
      >
        <Drawn name="image" />
        {words.sayWhat}
      </button>
      <dialog ref={dialog} class="dialog" aria-labelledby="change-title">
        <h2 id="change-title">{words.changeTitle}</h2>
        <p>{words.changeHint}</p>
        {known && (
          <Wanted
            key={`${task.task_id} ${at}`}
            {...{ task, followed, fields, most, step }}
            started={startedWith(fields, known.started, step)}
            saidFirst={known.said?.at === at ? known.said : { at, given: {} }}
            onBack={() => dialog.current?.close()}
          />
        )}
      </dialog>
    </>
  )
}

/** A picture of it that was sent may be gone by now. */
async function readSaid(taskId: string): Promise<Said | undefined> {
  try {
    const said = await readDraft<Said>(changeDraft(taskId))
    forgetUploads(picturesIn(said?.given ?? {}))
    return said
  } catch (fault) {
    console.warn('What was said last time is not shown:', fault)
    return undefined
  }
}

interface WantedProps {
  task: TaskView
  followed: FollowedTask
  fields: readonly FormField[]
  /** How many pictures a step can be asked for. */
  most: number
  step: number
  /** What the step was started with, where this browser knows it. */
  started: Values
  saidFirst: Said
  onBack: () => void
}

/** Stays, with what went wrong in it, until the step is being made. */
function Wanted({ task, followed, fields, most, step, started, saidFirst, onBack }: WantedProps) {
  const { task: words, form, fields: names, frame } = useWords()
  const [{ given, count: wanted }, setSaid] = useState(saidFirst)
  // A photo that took long to read belongs to no step that has gone on.
  const isHere = useRef(true)
  const leave = () => {
    isHere.current = false
  }
  useEffect(() => leave, [])
  const say = (next: (before: Said) => Partial<Said>) =>
    setSaid((before) => {
      const after = { ...before, ...next(before) }
      if (isHere.current) void putDraft(changeDraft(task.task_id), after)
      return after
    })
  const [isSent, setSent] = useState(false)
  const [reads, setReads] = useState(0)
  const countRead = (more: 1 | -1) => setReads((count) => count + more)
  const asked = askedWith(task, step)
  const before = { ...started, ...saidBefore(fields, asked.change) }
  const values = { ...before, ...given }
  const count = wanted ?? asked.candidates
  const isSaid = fields.some(({ name }) => !isSame(values[name], before[name]))
  const lack = isSaid ? lackOf(fields, values) : undefined
  const lacking = lack ? form.needField(names.nameOf(lack.name)) : words.changeNone
  const missing = reads > 0 ? form.preparing : lacking
  const isReady = reads === 0 && (isSaid ? !lack : count !== asked.candidates)
  const change = async () => {
    await uploadAll(picturesIn(values), () => undefined)
    return inputOf(fields, values)
  }
  const send = () => {
    setSent(true)
    // What was said before holds on where nothing else is said.
    followed.act('redo', { ...(isSaid && { change }), ...(most > 1 && { candidates: count }) })
  }
  return (
    <>
      {fields.map((field) => (
        <SchemaField
          key={field.name}
          field={field}
          value={values[field.name]}
          onChange={(value) => say((before) => ({ given: { ...before.given, [field.name]: value } }))}
          isLacking={false}
          onReading={countRead}
        />
      ))}
      {most > 1 && (
        <HowMany
          label={words.candidatesLabel}
          most={most}
          count={count}
          onCount={(next) => say(() => ({ count: next }))}
        />
      )}
      {isSent && followed.error && <Problem error={followed.error} />}
      <p class="fine" role="status">
        {isSent && followed.isRetrying ? frame.retrying : !isReady && missing}
      </p>
      <div class="dialog-buttons">
        <button type="button" class="button" onClick={onBack}>
          {words.back}
        </button>
        <button
          type="button"
          class={`button primary ${followed.busy ? 'busy' : ''}`}
          disabled={!isReady || followed.busy !== undefined}
          onClick={send}
        >
          {withPrice(words.changeGo, priceOf(task, step, count))}
        </button>
      </div>
    </>
  )
}

const isSame = (one: unknown, other: unknown): boolean => one === other || (isEmpty(one) && isEmpty(other))

/** Of what the form was filled in with, the words that a change alters: the same field's, or this step's of its lines. */
function startedWith(fields: readonly FormField[], started: Values, step: number): Values {
  const lineOf = (lines: unknown) =>
    Array.isArray(lines) ? lines.filter((line) => !isEmpty(line))[step - 1] : undefined
  const words = fields.map(({ name }) => [name, started[name] ?? lineOf(started[`${name}s`])])
  return Object.fromEntries(words.filter(([, text]) => typeof text === 'string'))
}

/** What the step costs with so many pictures to choose from: what is known is the price of its newest attempt. */
function priceOf({ cost, steps }: TaskView, step: number, count: number): number | undefined {
  const price = cost.steps_micros?.[step - 1] ?? undefined
  const candidates = steps[step - 1]?.attempts.at(-1)?.candidates ?? 1
  return price === undefined ? undefined : (price / candidates) * count
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
