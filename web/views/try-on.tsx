// The try-on form: a person, garments, start. A first-time visitor gets through it with six taps and no photo of their own.
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { inWords } from '../clock.ts'
import { dropDraft, useDraft } from '../draft.ts'
import { Form, Shortcomings } from '../parts/form.tsx'
import { Drawn, Silhouette } from '../parts/icons.tsx'
import { Drop, FileButton, hasTouch, useLooseFiles } from '../parts/picker.tsx'
import { SubmitBar, Switch } from '../parts/submit-bar.tsx'
import type { Picture } from '../pictures/picture.ts'
import { dropUpload } from '../pictures/upload.ts'
import { mostGarments, outfitPriceOf, priceOf, usualSeconds } from '../recipes.ts'
import { useWords } from '../settings.tsx'
import { type Files, usePictureReader, useSubmit } from '../use-form.ts'
import { type Garment, Garments, type SampleName, sampleGarments } from './garments.tsx'

interface Draft {
  person: Picture | undefined
  garments: Garment[]
  auto: boolean
  /** All garments in one picture. */
  atOnce?: boolean
}

const isOutfit = ({ garments, atOnce = false }: Draft): boolean => atOnce && garments.length > 1

export function TryOnForm() {
  const words = useWords()
  const { form } = words
  const [draft, change] = useDraft<Draft>('try-on', { person: undefined, garments: [], auto: false })
  const [isTried, setTried] = useState(false)
  const persons = usePictureReader()
  const pieces = usePictureReader()
  const submitting = useSubmit('try-on', contentOf(draft))

  const takePerson = (files: Files) =>
    void persons.read(files, ([person]) => {
      dropUpload(draft.person)
      change((before) => ({ ...before, person }))
    })
  const takeGarments = (files: Files, about: Partial<Garment> = {}) =>
    void pieces.read(files, (pictures) => {
      const added = pictures.map((picture): Garment => ({ ...unsaid, picture, ...about }))
      change((before) => ({ ...before, garments: [...before.garments, ...added].slice(0, mostGarments) }))
    })
  const takeSample = (name: SampleName) =>
    takeGarments(sampleFile(`${name}.png`), {
      ...{ category: sampleGarments[name], note: form.sampleNames[name], isAssumed: false },
    })
  useLooseFiles((files) => (draft.person ? takeGarments(files) : takePerson(files.slice(0, 1))))

  const steps = isOutfit(draft) ? 1 : draft.garments.length
  const lacks = lacksOf(draft)
  const lacking = (part: Part) => isTried && lacks.includes(part)
  const submit = () => {
    setTried(true)
    if (lacks.length === 0) submitting.submit(submissionOf(draft))
  }
  return (
    <Form class="two-columns" onSubmit={submit}>
      <PersonPart
        person={draft.person}
        isReading={persons.isReading}
        isLacking={lacking('person')}
        onFiles={(files) => takePerson(files.slice(0, 1))}
        onSample={() => takePerson(sampleFile('person.jpg'))}
      >
        <Shortcomings {...persons} lack={lacking('person') ? form.needPerson : undefined} />
      </PersonPart>
      <div class="column">
        <Garments
          garments={draft.garments}
          isReading={pieces.isReading}
          isLacking={lacking('garments')}
          onChange={(next) => change((before) => ({ ...before, garments: next(before.garments) }))}
          onFiles={takeGarments}
          onSample={takeSample}
        >
          <Shortcomings {...pieces} lack={lacking('garments') ? form.needGarment : undefined} />
        </Garments>
        <SubmitBar
          submitting={submitting}
          isReading={persons.isReading || pieces.isReading}
          label={form.start(steps)}
          price={isOutfit(draft) ? outfitPriceOf(draft.garments.length) : priceOf('try-on', steps)}
          hint={draft.garments.length > 0 ? form.about(inWords(steps * usualSeconds('try-on'), words)) : ''}
        >
          <Ways draft={draft} steps={steps} onChange={(next) => change((before) => ({ ...before, ...next }))} />
        </SubmitBar>
      </div>
    </Form>
  )
}

interface WaysProps {
  draft: Draft
  steps: number
  onChange: (next: Partial<Draft>) => void
}

function Ways({ draft, steps, onChange }: WaysProps) {
  const { form } = useWords()
  return (
    <>
      {draft.garments.length > 1 && (
        <Switch
          label={form.outfit}
          hint={form.outfitHint}
          checked={isOutfit(draft)}
          onChange={(atOnce) => onChange({ atOnce })}
        />
      )}
      {steps > 1 && (
        <Switch label={form.auto} hint={form.autoHint} checked={draft.auto} onChange={(auto) => onChange({ auto })} />
      )}
    </>
  )
}

/** A garment from a file may be anything; it is called a top, and the card says that somebody should look. */
const unsaid = { category: 'upper_body', note: '', isAssumed: true } as const

type Part = 'person' | 'garments'

const lacksOf = ({ person, garments }: Draft): Part[] => [
  ...(person ? [] : (['person'] as const)),
  ...(garments.length > 0 ? [] : (['garments'] as const)),
]

const contentOf = ({ person, garments, auto, atOnce }: Draft) => [
  person?.id,
  garments.map(({ picture, category, note, isAssumed }) => [picture.id, category, note, isAssumed]),
  [auto, atOnce],
]

function submissionOf(draft: Draft) {
  const { person, garments, auto } = draft
  const uploaded = (picture: Picture | undefined) => picture?.uploaded?.url ?? ''
  return {
    pictures: [person, ...garments.map(({ picture }) => picture)].filter((picture) => picture !== undefined),
    request: () => ({
      recipe: 'try-on' as const,
      person_image: uploaded(person),
      garments: garments.map(({ picture, category, note, isAssumed }) => ({
        image: uploaded(picture),
        // The model sorts garments by itself: a guess of ours would only mislead it.
        ...(!isAssumed && { category }),
        ...(note.trim() && { description: note.trim() }),
      })),
      auto_continue: auto,
      ...(isOutfit(draft) && { mode: 'outfit' as const }),
    }),
    remembered: {
      ...(person && { person: person.blob }),
      garments: garments.map(({ picture, category, note }) => ({ image: picture.blob, category, note })),
      draft,
    },
    onStarted: () => dropDraft('try-on'),
  }
}

async function sampleFile(name: string): Promise<Blob[]> {
  const answer = await fetch(`/samples/${name}`)
  if (!answer.ok) throw new Error(`The sample is answered ${answer.status}.`)
  return [await answer.blob()]
}

interface PersonPartProps {
  person: Picture | undefined
  isReading: boolean
  isLacking: boolean
  onFiles: (files: File[]) => void
  onSample: () => void
  /** What is to be said of the file, or of there being none. */
  children: ComponentChildren
}

function PersonPart({ person, isReading, isLacking, onFiles, onSample, children }: PersonPartProps) {
  const { form } = useWords()
  const choose = (
    <>
      <Drawn name="image" />
      {person ? form.changePhoto : form.choosePhoto}
    </>
  )
  return (
    <section class="part" aria-labelledby="person-title">
      <h2 id="person-title">
        <span class="numeral" aria-hidden="true">
          1
        </span>
        {form.person}
      </h2>
      <Drop class={`drop-person ${person ? 'filled' : ''}`} onFiles={onFiles}>
        {person ? (
          <img class="person" src={person.url} alt={form.person} width="768" height="1024" />
        ) : (
          <>
            <Silhouette />
            <p class="fine">{isReading ? form.preparing : form.personHint}</p>
          </>
        )}
        <div class="drop-buttons">
          <FileButton class={person ? 'quiet' : ''} label={choose} onFiles={onFiles} isLacking={isLacking} />
          {hasTouch && (
            <FileButton
              class="quiet"
              label={
                <>
                  <Drawn name="camera" />
                  {form.takePhoto}
                </>
              }
              onFiles={onFiles}
              capture="user"
            />
          )}
        </div>
        {!person && !hasTouch && <span class="fine">{form.dropHere}</span>}
      </Drop>
      {children}
      {!person && (
        <button type="button" class="sample sample-person" onClick={onSample}>
          <img src="/samples/person.jpg" alt="" width="54" height="72" />
          <span>
            <span class="fine">{form.orSample}</span>
            {form.samplePerson}
          </span>
        </button>
      )}
    </section>
  )
}
