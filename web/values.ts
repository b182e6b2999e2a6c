// What a person has given in the fields of a form that is made from a schema, and what is sent of it. The form of any recipe and the dialog of
// changes ask.
import type { Picture } from './pictures/picture.ts'
import { uploadOnce } from './pictures/upload.ts'
import { type FormField, isEmpty, shownIn, type Values } from './schema.ts'

export const isPicture = (value: unknown): value is Picture =>
  typeof value === 'object' && value !== null && 'blob' in value

/** They are uploaded before `inputOf` is asked. */
export const picturesIn = (values: Values): Picture[] => Object.values(values).flat().filter(isPicture)

export async function inputOf(fields: readonly FormField[], values: Values): Promise<Record<string, unknown>> {
  const sent: [string, unknown][] = []
  for (const field of fields) {
    const value = values[field.name]
    sent.push([field.name, await sentOf(field, field.isRequired ? shownIn(field, value) : value)])
  }
  return Object.fromEntries(sent.filter(([, value]) => !isEmpty(value)))
}

async function sentOf(field: FormField, value: unknown): Promise<unknown> {
  if (isPicture(value)) return value.uploaded?.url
  if (value instanceof File) return uploadOnce(value)
  if (Array.isArray(value)) {
    const sent = value.map((one) => (isPicture(one) ? one.uploaded?.url : typeof one === 'string' ? one.trim() : one))
    return sent.filter((one) => !isEmpty(one))
  }
  if (field.kind === 'json' && typeof value === 'string') return JSON.parse(value)
  return typeof value === 'string' ? value.trim() : value
}
