// The memes form: a few lines or a topic, each line of which becomes a picture, and after it a short clip where that is wanted.
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { inWords } from '../clock.ts'
import { dropDraft, useDraft } from '../draft.ts'
import { Form, Shortcomings, useFocusAfterRemoval } from '../parts/form.tsx'
import { Drawn } from '../parts/icons.tsx'
import { Choice, HowMany, SubmitBar, Switch } from '../parts/submit-bar.tsx'
import { mostPrompts, offerOf, priceOf, usualSeconds } from '../recipes.ts'
import { useWords } from '../settings.tsx'
import { useSubmit } from '../use-form.ts'
import type { Words } from '../words/en.ts'

interface Draft {
  by: 'lines' | 'topic'
  lines: string[]
  topic: string
  count: number
  animate: boolean
  candidates: number
}

const empty: Draft = { by: 'lines', lines: [''], topic: '', count: 3, animate: false, candidates: 1 }

/** A clip takes a minute; a picture what the recipe says. */
const clipSeconds = 60

export function MemesForm() {
  const words = useWords()
  const { form, task } = words
  const [kept, put] = useDraft<Draft | string[]>('memes', empty)
  const draft = draftOf(kept)
  const change = (next: (before: Draft) => Partial<Draft>) =>
    put((before) => ({ ...draftOf(before), ...next(draftOf(before)) }))
  const [isTried, setTried] = useState(false)
  const body = bodyOf(draft)
  const submitting = useSubmit('memes', body)
  const missing = missingIn(draft, words)
  const { pictures, steps, seconds, price } = outlookOf(draft)
  const most = offerOf('memes')?.candidates ?? 1
  const submit = () => {
    setTried(true)
    if (missing) return
    submitting.submit({
      ...{ pictures: [], request: () => body, remembered: { garments: [], draft } },
      onStarted: () => dropDraft('memes'),
    })
  }
  const isLacking = isTried && missing !== undefined
  return (
    <Form onSubmit={submit}>
      <Choice
        name="memes-by"
        legend={form.memesOf}
        options={form.memesOfs}
        value={draft.by}
        onChange={(by) => change(() => ({ by }))}
      />
      {draft.by === 'lines' ? (
        <Lines
          lines={draft.lines}
          isLacking={isLacking}
          onChange={(next) => change(({ lines }) => ({ lines: next(lines) }))}
        />
      ) : (
        <Topic draft={draft} isLacking={isLacking} onChange={(next) => change(() => next)} />
      )}
      <Shortcomings lack={isLacking ? missing : undefined} />
      {most > 1 && (
        <HowMany
          label={task.candidatesLabel}
          most={most}
          count={draft.candidates}
          onCount={(candidates) => change(() => ({ candidates }))}
        />
      )}
      <SubmitBar
        submitting={submitting}
        label={form.start(steps)}
        price={price}
        hint={pictures > 0 ? form.about(inWords(seconds, words)) : ''}
      >
        <Switch
          label={form.animate}
          hint={form.animateHint}
          checked={draft.animate}
          onChange={(animate) => change(() => ({ animate }))}
        />
      </SubmitBar>
    </Form>
  )
}

interface TopicProps {
  draft: Draft
  isLacking: boolean
  onChange: (next: Partial<Draft>) => void
}

function Topic({ draft, isLacking, onChange }: TopicProps) {
  const { form } = useWords()
  return (
    <>
      <label class="labelled">
        {form.topic}
        <input
          class="field"
          type="text"
          maxLength={200}
          placeholder={form.topicPlaceholder}
          aria-invalid={isLacking}
          value={draft.topic}
          onInput={({ currentTarget }) => onChange({ topic: currentTarget.value })}
        />
      </label>
      <HowMany
        label={form.topicCount}
        most={mostPrompts}
        count={draft.count}
        onCount={(count) => onChange({ count })}
      />
    </>
  )
}

interface LinesProps {
  lines: string[]
  isLacking: boolean
  onChange: (next: (before: string[]) => string[]) => void
}

function Lines({ lines, isLacking, onChange }: LinesProps) {
  const { form } = useWords()
  const { container, onRemoved } = useFocusAfterRemoval<HTMLDivElement>()
  const isAdded = useRef(false)
  useLayoutEffect(() => {
    if (isAdded.current) [...(container.current?.querySelectorAll('input') ?? [])].at(-1)?.focus()
    isAdded.current = false
  }, [lines.length])
  const add = () => {
    isAdded.current = true
    onChange((before) => [...before, ''])
  }
  const remove = (index: number) => {
    onRemoved(index)
    onChange((before) => before.toSpliced(index, 1))
  }
  return (
    <>
      <div class="form" ref={container}>
        {lines.map((line, index) => (
          <div class="line" key={index}>
            <input
              class="field"
              type="text"
              maxLength={500}
              aria-label={form.prompt(index + 1)}
              aria-invalid={isLacking && index === 0}
              placeholder={form.promptPlaceholder}
              value={line}
              onInput={({ currentTarget }) => onChange((before) => before.with(index, currentTarget.value))}
            />
            {lines.length > 1 && (
              <button
                type="button"
                class="icon-button"
                aria-label={form.remove(form.prompt(index + 1))}
                data-remove
                onClick={() => remove(index)}
              >
                <Drawn name="close" />
              </button>
            )}
          </div>
        ))}
      </div>
      {lines.length < mostPrompts && (
        <button type="button" class="button" onClick={add}>
          <Drawn name="plus" />
          {form.addPrompt}
        </button>
      )}
    </>
  )
}

/** An earlier page kept the lines alone. */
const draftOf = (kept: Draft | string[]): Draft => (Array.isArray(kept) ? { ...empty, lines: kept } : kept)

const promptsIn = ({ lines }: Draft): string[] => lines.map((line) => line.trim()).filter(Boolean)

function missingIn(draft: Draft, { form }: Words): string | undefined {
  if (draft.by === 'topic') return draft.topic.trim() ? undefined : form.needTopic
  return promptsIn(draft).length > 0 ? undefined : form.needPrompt
}

function bodyOf(draft: Draft) {
  const { by, topic, count, animate, candidates } = draft
  return {
    recipe: 'memes' as const,
    ...(by === 'topic' ? { topic: topic.trim(), count } : { prompts: promptsIn(draft) }),
    ...(animate && { animate }),
    ...(candidates > 1 && { candidates }),
  }
}

/** What is made of it, how long that takes, and what it may cost: every candidate is paid, and a clip is made of one. */
function outlookOf(draft: Draft) {
  const { by, count, animate, candidates } = draft
  const pictures = by === 'topic' ? count : promptsIn(draft).length
  const [plain = Number.NaN, moving = Number.NaN] = [false, true].map((one) =>
    priceOf('memes', pictures, { animate: one }),
  )
  const price = plain * candidates + (animate ? moving - plain : 0)
  const steps = pictures * (animate ? 2 : 1)
  return {
    pictures,
    steps,
    price: price || undefined,
    seconds: pictures * (usualSeconds('memes') + (animate ? clipSeconds : 0)),
  }
}
