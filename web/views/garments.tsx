// The second half of the try-on form: the garments in their order, and every way to add one.

import type { ComponentChildren } from 'preact'
import type { Category } from '../inputs.ts'
import { useFocusAfterRemoval } from '../parts/form.tsx'
import { Drawn } from '../parts/icons.tsx'
import { Drop, FileButton, hasTouch } from '../parts/picker.tsx'
import { Choice } from '../parts/submit-bar.tsx'
import type { Picture } from '../pictures/picture.ts'
import { dropUpload } from '../pictures/upload.ts'
import { mostGarments } from '../recipes.ts'
import { useWords } from '../settings.tsx'

export interface Garment {
  picture: Picture
  category: Category
  note: string
  /** Nobody said yet where it is worn. */
  isAssumed?: boolean
}

export const sampleGarments = {
  shirt: 'upper_body',
  trousers: 'lower_body',
  jacket: 'upper_body',
  dress: 'dresses',
} as const satisfies Record<string, Category>
export type SampleName = keyof typeof sampleGarments

interface GarmentsProps {
  garments: Garment[]
  isReading: boolean
  isLacking: boolean
  onChange: (next: (before: Garment[]) => Garment[]) => void
  onFiles: (files: File[]) => void
  onSample: (name: SampleName) => void
  /** What is to be said of the files, or of there being none. */
  children: ComponentChildren
}

export function Garments({ garments, isReading, isLacking, onChange, onFiles, onSample, children }: GarmentsProps) {
  const { form } = useWords()
  const { container, onRemoved } = useFocusAfterRemoval<HTMLElement>()
  const isFull = garments.length >= mostGarments
  return (
    <section class="part" aria-labelledby="garments-title" ref={container}>
      <h2 id="garments-title">
        <span class="numeral" aria-hidden="true">
          2
        </span>
        {form.garments}
      </h2>
      {garments.length > 1 && <p class="fine">{form.garmentsHint}</p>}
      <ol class="garments">
        {garments.map((garment, index) => (
          <GarmentCard
            key={garment.picture.id}
            garment={garment}
            index={index}
            isOfMany={garments.length > 1}
            onChange={onChange}
            onRemoved={onRemoved}
          />
        ))}
      </ol>
      {isFull ? (
        <p class="fine">{form.tooMany(mostGarments)}</p>
      ) : (
        <Drop class="drop-small" onFiles={onFiles}>
          <FileButton
            label={
              <>
                <Drawn name="plus" />
                {form.addGarment}
              </>
            }
            onFiles={onFiles}
            multiple
            isLacking={isLacking}
          />
          {hasTouch && (
            <FileButton
              class="quiet"
              label={
                <>
                  <Drawn name="camera" />
                  {form.photographGarment}
                </>
              }
              onFiles={onFiles}
              capture="environment"
            />
          )}
          <span class="fine">{isReading ? form.preparing : hasTouch ? '' : form.dropHere}</span>
        </Drop>
      )}
      {children}
      {!isFull && <Samples onSample={onSample} />}
    </section>
  )
}

function Samples({ onSample }: { onSample: (name: SampleName) => void }) {
  const { form } = useWords()
  return (
    <div class="samples">
      <p class="fine">{form.sampleGarments}</p>
      <ul>
        {(Object.keys(sampleGarments) as SampleName[]).map((name) => (
          <li key={name}>
            <button type="button" class="sample" onClick={() => onSample(name)}>
              <img src={`/samples/${name}.png`} alt="" width="72" height="72" loading="lazy" />
              <span>{form.sampleNames[name]}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}

interface GarmentCardProps {
  garment: Garment
  index: number
  isOfMany: boolean
  onChange: GarmentsProps['onChange']
  onRemoved: (index: number) => void
}

function GarmentCard({ garment, index, isOfMany, onChange, onRemoved }: GarmentCardProps) {
  const { form } = useWords()
  const name = form.garment(index + 1)
  const edit = (changed: Partial<Garment>) =>
    onChange((before) => before.map((one, at) => (at === index ? { ...one, ...changed } : one)))
  const remove = () => {
    onRemoved(index)
    dropUpload(garment.picture)
    onChange((before) => before.filter((_, at) => at !== index))
  }
  const moveUp = () =>
    onChange((before) => before.toSpliced(index - 1, 2, ...before.slice(index - 1, index + 1).toReversed()))
  return (
    <li class="garment">
      <img src={garment.picture.url} alt={garment.note || name} width="84" height="112" />
      <div class="garment-fields">
        <div class="garment-head">
          <h3>{name}</h3>
          {isOfMany && (
            // The first keeps it, and with it the focus of who has just moved it there.
            <button
              type="button"
              class="icon-button"
              aria-label={form.moveUp(name)}
              aria-disabled={index === 0}
              onClick={() => index > 0 && moveUp()}
            >
              <Drawn name="up" />
            </button>
          )}
          <button type="button" class="icon-button" aria-label={form.remove(name)} data-remove onClick={remove}>
            <Drawn name="close" />
          </button>
        </div>
        <Choice
          name={`category-${garment.picture.id}`}
          legend={`${name}: ${form.category}`}
          options={form.categories}
          value={garment.category}
          onChange={(category) => edit({ category, isAssumed: false })}
        />
        {garment.isAssumed && (
          <p class="fine assumed" role="status">
            {form.assumed(form.categories[garment.category])}
          </p>
        )}
        <input
          class="field"
          type="text"
          maxLength={500}
          aria-label={`${name}: ${form.note}`}
          placeholder={form.notePlaceholder}
          value={garment.note}
          onInput={({ currentTarget }) => edit({ note: currentTarget.value })}
        />
      </div>
    </li>
  )
}
