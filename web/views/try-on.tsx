// The try-on form: a person, garments, start. A first-time visitor gets through it with six taps and no photo of her own.
import { useState } from 'preact/hooks'
import { inWords } from '../clock.ts'
import { dropDraft, useDraft } from '../draft.ts'
import { Drawn, Silhouette } from '../parts/icons.tsx'
import { Message } from '../parts/message.tsx'
import { Drop, FileButton, hasTouch, usePaste } from '../parts/picker.tsx'
import { SubmitBar, Switch } from '../parts/submit-bar.tsx'
import type { Picture } from '../pictures/picture.ts'
import { mostGarments, usualSeconds } from '../recipes.ts'
import { useWords } from '../settings.tsx'
import { usePictureReader, useSubmit } from '../use-form.ts'
import type { Words } from '../words/shape.ts'
import { type Garment, Garments, type SampleName, sampleGarments } from './garments.tsx'

interface Draft {
  person: Picture | undefined
  garments: Garment[]
  auto: boolean
}

export function TryOnForm() {
  const words = useWords()
  const { form } = words
  const [draft, change] = useDraft<Draft>('try-on', { person: undefined, garments: [], auto: false })
  const [isTried, setTried] = useState(false)
  const reader = usePictureReader()
  const submitting = useSubmit(contentOf(draft))

  const takePerson = (files: readonly Blob[]) =>
    void reader.read(files.slice(0, 1), ([person]) => change((before) => ({ ...before, person })))
  const takeGarments = (files: readonly Blob[], about: Partial<Garment> = {}) =>
    void reader.read(files, (pictures) => {
      const added = pictures.map((picture): Garment => ({ picture, category: 'upper_body', note: '', ...about }))
      change((before) => ({ ...before, garments: [...before.garments, ...added].slice(0, mostGarments) }))
    })
  const takeSample = async (name: SampleName) =>
    takeGarments([await sampleFile(`${name}.png`)], { category: sampleGarments[name], note: form.sampleNames[name] })
  usePaste((files) => (draft.person ? takeGarments(files) : takePerson(files)))

  const submit = (event: Event) => {
    event.preventDefault()
    setTried(true)
    if (!missing(draft, words)) submitting.submit(submissionOf(draft))
  }
  return (
    <form class="form two-columns" onSubmit={submit} noValidate>
      <PersonPart
        person={draft.person}
        isReading={reader.isReading}
        onFiles={takePerson}
        onSample={async () => takePerson([await sampleFile('person.jpg')])}
      />
      <div class="column">
        <Garments
          garments={draft.garments}
          isReading={reader.isReading}
          onChange={(next) => change((before) => ({ ...before, garments: next(before.garments) }))}
          onFiles={takeGarments}
          onSample={takeSample}
        />
        {reader.unreadable && <Message kind="problem" title={form.unreadable(reader.unreadable)} />}
        <SubmitBar
          submitting={submitting}
          label={form.start(draft.garments.length)}
          missing={isTried ? missing(draft, words) : undefined}
          hint={
            draft.garments.length > 0 ? form.about(inWords(draft.garments.length * usualSeconds['try-on'], words)) : ''
          }
        >
          {draft.garments.length > 1 && (
            <Switch
              label={form.auto}
              hint={form.autoHint}
              checked={draft.auto}
              onChange={(auto) => change((before) => ({ ...before, auto }))}
            />
          )}
        </SubmitBar>
      </div>
    </form>
  )
}

function missing({ person, garments }: Draft, { form }: Words): string | undefined {
  if (!person) return form.needPerson
  return garments.length === 0 ? form.needGarment : undefined
}

const contentOf = ({ person, garments, auto }: Draft) => [
  person?.id,
  garments.map(({ picture, category, note }) => [picture.id, category, note]),
  auto,
]

function submissionOf({ person, garments, auto }: Draft) {
  const uploaded = (picture: Picture | undefined) => picture?.uploaded?.url ?? ''
  return {
    pictures: [person, ...garments.map(({ picture }) => picture)].filter((picture) => picture !== undefined),
    request: () => ({
      recipe: 'try-on' as const,
      person_image: uploaded(person),
      garments: garments.map(({ picture, category, note }) => ({
        image: uploaded(picture),
        category,
        ...(note.trim() && { description: note.trim() }),
      })),
      auto_continue: auto,
    }),
    remembered: {
      ...(person && { person: person.blob }),
      garments: garments.map(({ picture, category, note }) => ({ image: picture.blob, category, note })),
    },
    onStarted: () => dropDraft('try-on'),
  }
}

async function sampleFile(name: string): Promise<Blob> {
  return (await fetch(`/samples/${name}`)).blob()
}

interface PersonPartProps {
  person: Picture | undefined
  isReading: boolean
  onFiles: (files: File[]) => void
  onSample: () => void
}

function PersonPart({ person, isReading, onFiles, onSample }: PersonPartProps) {
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
          <FileButton class={person ? 'quiet' : ''} label={choose} onFiles={onFiles} />
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
