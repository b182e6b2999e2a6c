// The avatar form: photos or a zip of them, what they show, and a name for prompts.
import { useState } from 'preact/hooks'
import { inWords } from '../clock.ts'
import { dropDraft, useDraft } from '../draft.ts'
import type { AvatarRequest } from '../inputs.ts'
import { BadFiles, Form, InView, useFocusAfterRemoval } from '../parts/form.tsx'
import { Drawn } from '../parts/icons.tsx'
import { Message } from '../parts/message.tsx'
import { Drop, FileButton, useLooseFiles } from '../parts/picker.tsx'
import { Choice, SubmitBar } from '../parts/submit-bar.tsx'
import { newId, type Picture } from '../pictures/picture.ts'
import { upload } from '../pictures/upload.ts'
import { fewestPhotos, mostPhotos, mostZipBytes, priceOf, usualSeconds } from '../recipes.ts'
import { useWords } from '../settings.tsx'
import { usePictureReader, useSubmit } from '../use-form.ts'
import type { Words } from '../words/shape.ts'

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
  const reader = usePictureReader()
  const submitting = useSubmit('avatar', [draft.kind, draft.photos.map(({ id }) => id), draft.zip?.id, draft.trigger])

  const take = (files: File[]) => {
    const zip = files.find(isZip)
    setTooLarge(zip !== undefined && zip.size > mostZipBytes)
    if (zip && zip.size <= mostZipBytes) {
      change((before) => ({ ...before, photos: [], zip: { id: newId(), file: zip } }))
      return
    }
    const photos = files.filter((file) => !isZip(file))
    void reader.read(photos, (pictures) =>
      change((before) => ({ ...before, zip: undefined, photos: [...before.photos, ...pictures].slice(0, mostPhotos) })),
    )
  }
  useLooseFiles(take)
  const { container, onRemoved } = useFocusAfterRemoval<HTMLElement>()
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
            change((before) => without(before, id))
          }}
        />
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
          />
          <span class="fine">{reader.isReading ? form.preparing : counted(draft, words)}</span>
        </Drop>
        {isTooLarge && (
          <InView of={isTooLarge}>
            <Message kind="problem" title={form.zipTooLarge} />
          </InView>
        )}
        <BadFiles files={reader.bad} />
      </section>
      <label class="labelled">
        {form.trigger}
        <input
          class="field"
          type="text"
          maxLength={100}
          autocomplete="off"
          value={draft.trigger}
          onInput={({ currentTarget }) => change((before) => ({ ...before, trigger: currentTarget.value }))}
        />
        <span class="fine">{form.triggerHint}</span>
      </label>
      <SubmitBar
        submitting={submitting}
        isReading={reader.isReading}
        label={form.startTraining}
        price={priceOf('avatar', 1, { training_type: draft.kind })}
        missing={isTried ? missing(draft, words) : undefined}
        hint={form.about(inWords(usualSeconds('avatar'), words))}
      />
    </Form>
  )
}

function PhotoPile({ draft, onRemove }: { draft: Draft; onRemove: (id: string, index: number) => void }) {
  const { form } = useWords()
  return (
    <ul class="pile">
      {draft.zip && (
        <li class="pile-zip">
          <Drawn name="file" />
          {draft.zip.file.name}
        </li>
      )}
      {draft.photos.map(({ id, url }, index) => (
        <li key={id}>
          <img src={url} alt={`${index + 1}`} width="84" height="84" />
          <button
            type="button"
            class="icon-button"
            aria-label={form.remove(`${index + 1}`)}
            data-remove
            onClick={() => onRemove(id, index)}
          >
            <Drawn name="close" />
          </button>
        </li>
      ))}
    </ul>
  )
}

/** Of more photos the first are taken. */
function counted({ photos }: Draft, { form }: Words): string {
  const count = form.photoCount(photos.length)
  return photos.length < mostPhotos ? count : `${count}. ${form.noMore(mostPhotos)}`
}

const without = (draft: Draft, id: string): Draft => ({ ...draft, photos: draft.photos.filter((one) => one.id !== id) })

function missing({ kind, photos, zip }: Draft, { form }: Words): string | undefined {
  const fewest = fewestPhotos[kind]
  return zip || photos.length >= fewest ? undefined : form.needPhotos(fewest)
}

function submissionOf(draft: Draft) {
  const { kind, photos, zip, trigger } = draft
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
