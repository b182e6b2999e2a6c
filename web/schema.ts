// From a recipe's JSON Schema to the fields of a form, and what they still lack. Pure; what a form can't ask for is asked for as JSON.
type Json = Readonly<Record<string, unknown>>

interface Named {
  name: string
  isRequired: boolean
  description: string | undefined
}

export type FormField = Named &
  (
    | { kind: 'text' | 'long'; longest: number | undefined; preset: string | undefined }
    | { kind: 'number'; least: number | undefined; most: number | undefined; preset: number | undefined }
    | { kind: 'choice'; options: readonly (string | number)[]; preset: string | number | undefined }
    | { kind: 'switch'; preset: boolean }
    | { kind: 'image' | 'archive' }
    | { kind: 'images' | 'lines'; most: number | undefined }
    | { kind: 'json' }
  )

/** What a person has given, by field; pictures and files are kept as they were chosen. */
export type Values = Readonly<Record<string, unknown>>

/** Longer texts get room of their own. */
const shortText = 120

export function fieldsOf(schema: Json): FormField[] {
  const shape = variantOf(schema)
  const properties = (shape['properties'] ?? {}) as Record<string, Json>
  const required = (shape['required'] ?? []) as readonly string[]
  return Object.entries(properties).flatMap(([name, property]) => {
    const isRequired = required.includes(name)
    const field = fieldOf(variantOf(property), isRequired)
    const description = typeof property['description'] === 'string' ? property['description'] : undefined
    // What can be left out and can't be asked for is left out.
    return field ? [{ ...{ name, isRequired, description }, ...field }] : []
  })
}

/** Of several shapes the first that is one. */
function variantOf(schema: Json): Json {
  const several = (schema['anyOf'] ?? schema['oneOf']) as readonly Json[] | undefined
  const chosen = several?.find((one) => one['type'] !== 'null')
  return chosen ? variantOf({ ...schema, anyOf: undefined, oneOf: undefined, ...chosen }) : schema
}

type Kind = FormField extends infer Field ? (Field extends FormField ? Omit<Field, keyof Named> : never) : never

function fieldOf(schema: Json, isRequired: boolean): Kind | undefined {
  const { type, default: preset } = schema
  const options = optionsOf(schema)
  if (options) return { kind: 'choice', options, preset: preset as string | number | undefined }
  const file = schema['x-file']
  if (file === 'image' || file === 'archive') return { kind: file }
  if (type === 'boolean') return { kind: 'switch', preset: preset === true }
  if (type === 'string') {
    const longest = numberOf(schema['maxLength'])
    return { kind: (longest ?? 0) > shortText ? 'long' : 'text', longest, preset: preset as string | undefined }
  }
  if (type === 'integer' || type === 'number') {
    const least = numberOf(schema['minimum'])
    return { kind: 'number', least, most: numberOf(schema['maximum']), preset: numberOf(preset) }
  }
  if (type === 'array') {
    const items = variantOf((schema['items'] ?? {}) as Json)
    const most = numberOf(schema['maxItems'])
    if (items['x-file'] === 'image') return { kind: 'images', most }
    if (items['type'] === 'string') return { kind: 'lines', most }
  }
  return isRequired ? { kind: 'json' } : undefined
}

function optionsOf(schema: Json): (string | number)[] | undefined {
  const listed = schema['enum'] ?? (schema['const'] === undefined ? undefined : [schema['const']])
  const options = Array.isArray(listed)
    ? listed.filter((one) => typeof one === 'string' || typeof one === 'number')
    : []
  return options.length > 0 ? options : undefined
}

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)

export const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  (typeof value === 'string' && value.trim() === '') ||
  (Array.isArray(value) && value.every(isEmpty))

/** What a field shows: what was given, or what stands in it before. What may be left out is then left to the recipe. */
export function shownIn(field: FormField, value: unknown): unknown {
  if (value !== undefined || !('preset' in field)) return value
  return field.preset ?? (field.kind === 'choice' && field.isRequired ? field.options[0] : undefined)
}

/** The fields that keep the form from being sent. */
export const lacksOf = (fields: readonly FormField[], values: Values): FormField[] =>
  fields.filter((field) => {
    const value = shownIn(field, values[field.name])
    return isEmpty(value) ? field.isRequired : field.kind === 'json' && !isJson(value)
  })

/** The first of them. */
export const lackOf = (fields: readonly FormField[], values: Values): FormField | undefined =>
  lacksOf(fields, values)[0]

function isJson(value: unknown): boolean {
  try {
    JSON.parse(String(value))
    return true
  } catch {
    return false
  }
}

/** `aspect_ratio` is read as “Aspect ratio”, `my-recipe` as “My recipe”. */
export function inLetters(name: string): string {
  const words = name.replaceAll(/[_-]+/g, ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}
