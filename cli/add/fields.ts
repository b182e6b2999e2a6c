// Makes a recipe's fields of a model's input schema: what a caller may send, with its types, limits and choices. add.ts calls it. What nobody
// should set, or can't be asked for in a form, is left out with a reason; where the model needs it, there is no recipe.

import { startFields } from '../../core/recipe.ts'
import { fieldsInOrder, type JsonSchema, type Model, resolve, SchemaError } from './model.ts'

type FileKind = 'image' | 'images' | 'archive'

export interface Field {
  /** As callers write it, and as the model does. */
  readonly name: string
  readonly field: string
  /** The zod schema, as code. */
  readonly code: string
  readonly isRequired: boolean
  /** A file, which is linked. */
  readonly file?: FileKind | undefined
  /** A value for examples. */
  readonly example: unknown
}

export interface Input {
  readonly fields: readonly Field[]
  /** The model's seed can carry any number that marks an attempt. */
  readonly hasSeed: boolean
  /** A seed too small for that: it still makes another picture. */
  readonly smallSeed?: number | undefined
  /** The field for the number of pictures, and how many it takes. */
  readonly count?: { readonly field: string; readonly most: number } | undefined
  /** What is always sent, as code. */
  readonly constants: Readonly<Record<string, string>>
  /** What was left out, each with its reason. */
  readonly omitted: readonly string[]
}

/** What a form, and code, can call a field. */
const lawfulName = /^[\p{L}_][\p{L}\p{N}_ .-]{0,63}$/u
const countFields = ['num_outputs', 'num_images', 'number_of_images', 'number_of_outputs', 'num_samples', 'n']
const mostSeed = 2_147_483_647

/** Nobody's but the operator's: what is to be returned how, and what is not to be shown. */
const leftAlone: ReadonlyMap<string, string> = new Map([
  ['sync_mode', 'results would come as data, not as files'],
  ['no_op', 'it makes nothing'],
  ['enable_safety_checker', "the model's own default stays"],
  ['disable_safety_checker', "the model's own default stays"],
  ['safety_tolerance', "the model's own default stays"],
  ['safety_filter_level', "the model's own default stays"],
  ['moderation', "the model's own default stays"],
  ['moderation_level', "the model's own default stays"],
])

/** `required`: fields that a caller has to give though the model doesn't ask for them. */
export function readInput(model: Model, required: readonly string[] = []): Input {
  const schema = resolve(model.schemas[model.input], model)
  if (!schema.properties) throw new SchemaError(model.input, 'it names no fields')
  const named = new Set(Object.keys(schema.properties))
  const unknown = required.find((field) => !named.has(field))
  if (unknown !== undefined) throw new SchemaError(`--require ${unknown}`, `the model has no such field`)
  const fields: Field[] = []
  const omitted: string[] = []
  let seed: JsonSchema | undefined
  let count: Input['count']
  const constants: Record<string, string> = {}
  for (const [field, given] of fieldsInOrder(schema)) {
    const own = resolve(given, model)
    const isNeeded = (schema.required ?? []).includes(field) && own.default === undefined
    const isRequired = isNeeded || required.includes(field)
    if (field === 'seed' && isNumber(own)) seed = own
    else if (countFields.includes(field) && isNumber(own) && (own.minimum ?? 1) <= 1)
      count = { field, most: own.maximum ?? 4 }
    // Otherwise it is guessed from the address, and a link of ours doesn't end in .zip.
    else if (field === 'data_archive_format') constants[field] = "'zip'"
    else {
      const read = readField(field, own, { isRequired, model })
      if (typeof read !== 'string') fields.push(read)
      else if (!isRequired) omitted.push(`${shownName(field)}: ${read}`)
      else throw new SchemaError(`${model.input}.${shownName(field)}`, `${read}, and the model needs it`)
    }
  }
  const most = seed?.maximum ?? Number.POSITIVE_INFINITY
  return {
    ...{ fields, omitted, count, constants },
    hasSeed: seed !== undefined && most >= mostSeed,
    ...(seed && most < mostSeed && { smallSeed: most }),
  }
}

/** What can't be a name may hold anything, also what a terminal would obey. */
const shownName = (field: string) => (lawfulName.test(field) ? field : JSON.stringify(field.slice(0, 64)))

const isNumber = ({ type }: JsonSchema) => type === 'integer' || type === 'number'

interface Asked {
  readonly isRequired: boolean
  readonly model: Model
}

/** A field, or why there is none. */
function readField(field: string, given: JsonSchema, { isRequired, model }: Asked): Field | string {
  // What every object has is never left out, so that a form without it would be refused.
  if (!lawfulName.test(field) || field in Object.prototype) return 'no form can have a field of this name'
  if (given.format === 'password' || given['x-cog-secret']) return 'it is a secret, which no task may carry'
  const why = leftAlone.get(field)
  if (why !== undefined && !isRequired) return why
  const schema = given.anyOf ? choose(given, model) : given
  const file = fileOf(field, schema, model)
  if (file && 'why' in file) return file.why
  const value = file ?? valueFrom(field, schema, model)
  if (typeof value === 'string') return value
  const name = startFields.some((own) => own === field) ? `model_${field}` : field
  const code = isRequired ? value.code : `${value.code}.optional()`
  return { name, field, isRequired, ...value, code }
}

/** Of several forms the simplest: a choice, then text, then whatever else comes first. */
function choose(schema: JsonSchema, model: Model): JsonSchema {
  const forms = (schema.anyOf ?? []).map((form) => resolve(form, model)).filter(({ type }) => type !== 'null')
  const found = forms.find((form) => form.enum) ?? forms.find(({ type }) => type === 'string') ?? forms[0] ?? {}
  return { ...found, default: schema.default }
}

interface Value {
  readonly code: string
  readonly file?: FileKind
  readonly example: unknown
}

const fileNames = /(^|_)(url|urls|uri|image|images|img|img\d|photo|photos|picture|video|audio|file|mask)$/i
const sounds = /audio|voice|speaker|song|music|speech|sound|melody|wav|mp3/i
const films = /video|film|footage/i
const archives = /zip|archive|data_url|dataset|training_images|input_images$/i

/** Undefined for what is no file; Replicate says uri of each, fal says it by names. */
function fileOf(field: string, schema: JsonSchema, model: Model): Value | { why: string } | undefined {
  const isList = schema.type === 'array'
  const one = isList ? resolve(schema.items, model) : schema
  const isNamed = one.type === 'string' && !one.enum && model.provider === 'fal' && fileNames.test(field)
  if (one.format !== 'uri' && !isNamed) return undefined
  if (sounds.test(field)) return { why: 'it is a sound; recipes take pictures and zip files' }
  if (films.test(field)) return { why: 'it is a video; recipes take pictures and zip files' }
  if (!isList && archives.test(field)) {
    return { code: 'archive()', file: 'archive', example: 'https://example.com/photos.zip' }
  }
  if (/lora|weights|checkpoint|model_url|config/i.test(field)) return { why: 'it is a file of a model, not a picture' }
  const picture = 'https://example.com/picture.jpg'
  if (!isList) return { code: 'image()', file: 'image', example: picture }
  return { code: `images(${Math.min(schema.maxItems ?? 10, 20)})`, file: 'images', example: [picture] }
}

const outputFormats = ['jpg', 'jpeg', 'png', 'webp', 'mp4', 'webm', 'mp3', 'wav', 'flac', 'ogg', 'opus', 'glb']

function valueFrom(field: string, schema: JsonSchema, model: Model): Value | string {
  if (schema.enum) return choiceOf(field, schema.enum)
  switch (schema.type) {
    case 'string':
      return textOf(field, schema)
    case 'integer':
      return { code: `z.int()${limitsOf(schema)}`, example: numberIn(schema, 1) }
    case 'number':
      return { code: `z.number()${limitsOf(schema)}`, example: numberIn(schema, 1) }
    case 'boolean':
      return { code: 'z.boolean()', example: schema.default === true }
    case 'array': {
      const item = resolve(schema.items, model)
      if (item.type === 'array') return 'it is a list of lists, which a form has no field for'
      const inner = valueFrom(field, item, model)
      if (typeof inner === 'string') return `it is a list, and of its items: ${inner}`
      return { code: `z.array(${inner.code}).min(1).max(${schema.maxItems ?? 20})`, example: [inner.example] }
    }
    case 'object':
      return 'it is an object, which a form has no field for'
    default:
      return 'its schema says no type'
  }
}

function choiceOf(field: string, given: readonly unknown[]): Value | string {
  // A file that nobody could be shown isn't asked for.
  const values = field === 'output_format' ? given.filter((value) => outputFormats.includes(String(value))) : given
  const [first] = values
  if (first === undefined) return 'none of its values is a file that can be shown'
  if (values.some((value) => typeof value === 'object' && value !== null)) return 'its values are objects or lists'
  const isText = values.every((value) => typeof value === 'string')
  return { code: `z.${isText ? 'enum' : 'literal'}([${values.map(asCode).join(', ')}])`, example: first }
}

/** As this code base writes texts. */
export const asCode = (value: unknown): string =>
  typeof value === 'string' && !/['\\\p{Cc}\u2028\u2029]/u.test(value) ? `'${value}'` : JSON.stringify(value)

const words = 'a lighthouse in the fog'

function textOf(field: string, { minLength = 0, maxLength }: JsonSchema): Value {
  const isLong = /prompt|text|lyrics|description|instruction/i.test(field)
  const most = Math.min(maxLength ?? (isLong ? 4_000 : 1_000), 10_000)
  return { code: `text(${digits(most)})`, example: words.padEnd(Math.min(minLength, most), '.').slice(0, most) }
}

function limitsOf({ minimum, maximum }: JsonSchema): string {
  return `${minimum === undefined ? '' : `.min(${digits(minimum)})`}${maximum === undefined ? '' : `.max(${digits(maximum)})`}`
}

/** `10_000`, as this code base writes it. */
export const digits = (value: number): string =>
  Number.isInteger(value) && value >= 1_000 ? String(value).replace(/\B(?=(\d{3})+$)/g, '_') : String(value)

function numberIn({ default: usual, minimum, maximum }: JsonSchema, otherwise: number): number {
  if (typeof usual === 'number') return usual
  return Math.min(Math.max(otherwise, minimum ?? otherwise), maximum ?? Number.POSITIVE_INFINITY)
}
