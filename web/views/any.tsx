// The form of a recipe that has none of its own, made from its schema: what a person is asked for follows from what start takes.
import { useState } from 'preact/hooks'
import type { RecipeView } from '../client.ts'
import { inWords } from '../clock.ts'
import { dropDraft, useDraft } from '../draft.ts'
import { Form } from '../parts/form.tsx'
import { ResultField } from '../parts/result-field.tsx'
import { SchemaField } from '../parts/schema-field.tsx'
import { SubmitBar, Switch } from '../parts/submit-bar.tsx'
import { priceOf, usualSeconds } from '../recipes.ts'
import { type FormField, fieldsOf, isEmpty, lacksOf, shownIn, type Values } from '../schema.ts'
import { useWords } from '../settings.tsx'
import { useSubmit } from '../use-form.ts'
import { inputOf, isPicture, picturesIn } from '../values.ts'

export function AnyForm({ offer }: { offer: RecipeView }) {
  const words = useWords()
  const { form } = words
  const { name } = offer
  const fields = fieldsOf(offer.input_schema)
  const [values, change] = useDraft<Values>(name, {})
  const [isTried, setTried] = useState(false)
  const submitting = useSubmit(name, contentOf(values))
  const [reads, setReads] = useState(0)
  const countRead = (more: 1 | -1) => setReads((before) => before + more)
  const missing = lacksOf(fields, values)
  const loose = pictureField(fields, values)
  const steps = stepsOf(offer, fields, values)
  const set = (field: FormField) => (value: unknown) => change((before) => ({ ...before, [field.name]: value }))
  const submit = () => {
    setTried(true)
    if (missing.length === 0) submitting.submit(submissionOf(name, fields, values))
  }
  return (
    <Form onSubmit={submit}>
      {fields.map((field) =>
        offer.from?.recipe && offer.from.field === field.name ? (
          <ResultField
            key={field.name}
            field={field}
            recipe={offer.from.recipe}
            value={values[field.name]}
            onChange={set(field)}
            isLacking={isTried && missing.includes(field)}
          />
        ) : (
          <SchemaField
            key={field.name}
            field={field}
            value={values[field.name]}
            onChange={set(field)}
            isLacking={isTried && missing.includes(field)}
            isForLooseFiles={field === loose}
            onReading={countRead}
          />
        ),
      )}
      <SubmitBar
        submitting={submitting}
        isReading={reads > 0}
        label={form.start(steps)}
        price={priceOf(name, steps, chosenIn(fields, values))}
        hint={form.about(inWords(steps * usualSeconds(name), words))}
      >
        {offer.gate === 'manual' && steps > 1 && (
          <Switch
            label={form.auto}
            hint={form.autoHint}
            checked={values['auto_continue'] === true}
            onChange={(auto) => change((before) => ({ ...before, auto_continue: auto }))}
          />
        )}
      </SubmitBar>
    </Form>
  )
}

/** Of several fields for pictures that which has none, or else room for more. */
function pictureField(fields: readonly FormField[], values: Values): FormField | undefined {
  const ofPictures = fields.filter(({ kind }) => kind === 'image' || kind === 'images')
  const hasNone = ({ name }: FormField) => isEmpty(values[name])
  return ofPictures.find(hasNone) ?? ofPictures.find(({ kind }) => kind === 'images') ?? ofPictures[0]
}

/** A recipe makes a step of each line, or as many as its example has. */
function stepsOf({ price }: RecipeView, fields: readonly FormField[], values: Values): number {
  const lines = fields.filter(({ kind, isRequired }) => kind === 'lines' && isRequired)
  const [only] = lines
  if (!only || lines.length > 1) return price.steps
  const written = values[only.name]
  return Math.max(1, Array.isArray(written) ? written.filter((line) => !isEmpty(line)).length : 1)
}

/** What each field stands at, chosen or as it was. */
const chosenIn = (fields: readonly FormField[], values: Values): Values =>
  Object.fromEntries(fields.map((field) => [field.name, shownIn(field, values[field.name])]))

/** What would be sent, without the bytes. */
function contentOf(values: Values): unknown {
  const told = (value: unknown): unknown => {
    if (isPicture(value)) return value.id
    if (value instanceof File) return [value.name, value.size, value.lastModified]
    return Array.isArray(value) ? value.map(told) : value
  }
  return Object.entries(values).map(([name, value]) => [name, told(value)])
}

function submissionOf(recipe: string, fields: readonly FormField[], values: Values) {
  const pictures = picturesIn(values)
  const [first] = pictures
  const request = async () => {
    const input = await inputOf(fields, values)
    const auto = values['auto_continue'] === true ? { auto_continue: true } : {}
    return { recipe, ...input, ...auto } as never
  }
  const remembered = { ...(first && { person: first.blob }), garments: [], draft: values }
  return { pictures, request, remembered, onStarted: () => dropDraft(recipe) }
}
