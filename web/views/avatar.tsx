// The avatar form: photos or a zip of them, what they show, and a name for prompts.
import { useState } from 'preact/hooks'
import { inWords } from '../clock.ts'
import { dropDraft, useDraft } from '../draft.ts'
import type { AvatarRequest } from '../inputs.ts'
import { Form, InView, Shortcomings, useFocusAfterRemoval } from '../parts/form.tsx'
import { Drawn } from '../parts/icons.tsx'
import { Message } from '../parts/message.tsx'
import { Drop, FileButton, useLooseFiles } from '../parts/picker.tsx'
import { Choice, SubmitBar } from '../parts/submit-bar.tsx'
import { newId, type Picture } from '../pictures/picture.ts'
import { upload } from '../pictures/upload.ts'
import { fewestPhotos, mostPhotos, mostZipBytes, priceOf, usualSeconds } from '../recipes.ts'
import { useWords } from '../settings.tsx'
import { usePictureReader, useSubmit } from '../use-form.ts'
import type { Words } from '../words/en.ts'

interface Draft {
  kind: AvatarRequest['training_type']
  photos: Picture[]
  zip: { id: string; file: File } | undefined
  trigger: string
}

const isZip = (file: File) => file.type.includes('zip') || file.name.toLowerCase().endsWith('.zip')

export function AvatarForm() {
  const words = useWords()
  const { form } = words
  const [draft, change] = useDraft<Draft>('avatar', { kind: 'portrait', photos: [], zip: undefined, trigger: '' })
  const [isTried, setTried] = useState(false)
  const [isTooLarge, setTooLarge] = useState(false)
  const [leftOut, setLeftOut] = useState(0)
  const reader = usePictureReader()
  const submitting = useSubmit('avatar', [draft.kind, draft.photos.map(({ id }) => id), draft.zip?.id, draft.trigger])

  const take = (files: File[]) => {
    const zip = files.find(isZip)
    setTooLarge(zip !== undefined && zip.size > mostZipBytes)
    setLeftOut(0)
    const takePhotos = (pictures: Picture[]) =>
      change((before) => {
        const photos = [...before.photos, ...pictures]
        setLeftOut(Math.max(0, photos.length - mostPhotos))
        return { ...before, zip: undefined, photos: photos.slice(0, mostPhotos) }
      })
    // With a zip file none are read: what the last files were wrong about is over, and it comes after photos that were chosen before it.
    void reader.read(zip ? [] : files, takePhotos).then(() => {
      if (zip && zip.size <= mostZipBytes) change((before) => ({ ...before, zip: { id: newId(), file: zip } }))
    })
  }
  useLooseFiles(take)
  const { container, onRemoved } = useFocusAfterRemoval<HTMLElement>()
  const lack = isTried ? missing(draft, words) : undefined
  const submit = () => {
    setTried(true)
    if (!missing(draft, words)) submitting.submit(submissionOf(draft))
  }
  return (
    <Form onSubmit={submit}>
      <Choice
        name="kind"
        legend={form.kind}
        options={form.kinds}
        value={draft.kind}
        onChange={(kind) => change((before) => ({ ...before, kind }))}
      />
      <section class="part" aria-labelledby="photos-title" ref={container}>
        <h2 id="photos-title">{form.photos}</h2>
        <p class="fine">{form.photosHint}</p>
        <PhotoPile
          draft={draft}
          onRemove={(id, index) => {
            onRemoved(index)
            setLeftOut(0)
            change((before) => without(before, id))
          }}
        />
        {draft.zip && draft.photos.length > 0 && <p class="fine">{form.zipInstead(draft.photos.length)}</p>}
        <Drop class="drop-small" onFiles={take}>
          <FileButton
            label={
              <>
                <Drawn name="plus" />
                {form.addPhotos}
              </>
            }
            accept="image/*,.zip,application/zip"
            onFiles={take}
            multiple
            isLacking={lack !== undefined}
          />
          <span class="fine">{reader.isReading ? form.preparing : counted(draft, leftOut, words)}</span>
        </Drop>
        {isTooLarge && (
          <InView of={isTooLarge}>
            <Message kind="problem" title={form.zipTooLarge} />
          </InView>
        )}
        {!isTooLarge && <Shortcomings bad={reader.bad} lack={lack} />}
      </section>
      <TriggerField value={draft.trigger} onChange={(trigger) => change((before) => ({ ...before, trigger }))} />
      <SubmitBar
        submitting={submitting}
        isReading={reader.isReading}
        label={form.startTraining}
        price={priceOf('avatar', 1, { training_type: draft.kind })}
        hint={form.about(inWords(usualSeconds('avatar'), words))}
      />
    </Form>
  )
}

function TriggerField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { form } = useWords()
  return (
    <label class="labelled">
      {form.trigger}
      <input
        class="field"
        type="text"
        maxLength={100}
        autocomplete="off"
        value={value}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
      <span class="fine">{form.triggerHint}</span>
    </label>
  )
}

function PhotoPile({ draft, onRemove }: { draft: Draft; onRemove: (id: string, index: number) => void }) {
  return (
    <ul class="pile">
      {draft.zip && (
        <li class="pile-zip">
          <Drawn name="file" />
          <span>{draft.zip.file.name}</span>
          <Remove what={draft.zip.file.name} onClick={() => onRemove(draft.zip?.id ?? '', 0)} />
        </li>
      )}
      {shownPhotos(draft).map(({ id, url }, index) => (
        <li key={id}>
          <img src={url} alt={`${index + 1}`} width="84" height="84" />
          <Remove what={`${index + 1}`} onClick={() => onRemove(id, index)} />
        </li>
      ))}
    </ul>
  )
}

function Remove({ what, onClick }: { what: string; onClick: () => void }) {
  const { form } = useWords()
  return (
    <button type="button" class="icon-button" aria-label={form.remove(what)} data-remove onClick={onClick}>
      <Drawn name="close" />
    </button>
  )
}

/** A zip file goes in place of photos, which are there again once it is taken out. */
const shownPhotos = ({ zip, photos }: Draft): readonly Picture[] => (zip ? [] : photos)

/** Of more photos the first are taken. */
function counted({ zip, photos }: Draft, leftOut: number, { form }: Words): string {
  if (zip) return ''
  const count = form.photoCount(photos.length)
  if (photos.length < mostPhotos) return count
  return [`${count}.`, form.noMore(mostPhotos), ...(leftOut > 0 ? [form.leftOut(leftOut)] : [])].join(' ')
}

const without = (draft: Draft, id: string): Draft =>
  draft.zip?.id === id
    ? { ...draft, zip: undefined }
    : { ...draft, photos: draft.photos.filter((one) => one.id !== id) }

function missing({ kind, photos, zip }: Draft, { form }: Words): string | undefined {
  const fewest = fewestPhotos[kind]
  return zip || photos.length >= fewest ? undefined : form.needPhotos(fewest)
}

function submissionOf(draft: Draft) {
  const { kind, zip, trigger } = draft
  const photos = shownPhotos(draft)
  let images_url: string | undefined
  const send = async () => {
    const { packPhotos } = await import('../pictures/pack.ts')
    return upload(zip?.file ?? (await packPhotos(photos.map(({ blob }) => blob))))
  }
  const first = photos[0]
  return {
    pictures: [],
    request: async () => {
      images_url ??= await send()
      const trigger_phrase = trigger.trim()
      return {
        recipe: 'avatar' as const,
        training_type: kind,
        images_url,
        ...(trigger_phrase && { trigger_phrase }),
      }
    },
    remembered: { ...(first && { person: first.blob }), garments: [], draft },
    onStarted: () => dropDraft('avatar'),
  }
}
