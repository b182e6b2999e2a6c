// Reads what a model's output looks like from its published schema or an example of it: the same JSON with a place for each file. imitate.ts
// calls it.

import type { OutputKind } from '../../core/recipe.ts'
import { type JsonSchema, type ModelSchema, resolve } from './schemas.ts'

export type Shape =
  | { readonly file: FileHint }
  /** Of as many as the input asks for. */
  | { readonly list: Shape }
  | { readonly fields: Readonly<Record<string, Shape>> }
  | { readonly value: unknown }
  /** What the input says by the same name. */
  | { readonly echo: string; readonly otherwise: unknown }

export interface FileHint {
  readonly kind: OutputKind
  /** Where the output says it. */
  readonly extension?: string | undefined
  /** Whether the file is an object with its address and type, as fal has it. */
  readonly isObject: boolean
}

const extensions: Record<OutputKind, RegExp> = {
  image: /\.(png|jpe?g|webp|avif|gif|svg)$/i,
  video: /\.(mp4|webm|mov|mkv)$/i,
  audio: /\.(wav|mp3|ogg|flac|m4a|opus)$/i,
  file: /\.\w{1,12}$/,
}

/** What an address's ending says of its file. */
function hintOf(address: string, otherwise: OutputKind, isObject = false): FileHint {
  const path = URL.parse(address)?.pathname ?? ''
  const extension = /\.(\w{1,12})$/.exec(path)?.[1]?.toLowerCase()
  const kinds = Object.keys(extensions) as OutputKind[]
  const kind = extension && kinds.find((name) => extensions[name].test(path))
  return { kind: kind || otherwise, extension, isObject }
}

const isAddress = (value: unknown): value is string => typeof value === 'string' && /^https?:\/\//.test(value)

/** Of an example of the output. Lists of files are as long as they are asked for. */
export function shapeOfExample(example: unknown, kind: OutputKind): Shape {
  if (isAddress(example)) return { file: hintOf(example, kind) }
  if (Array.isArray(example)) return { list: shapeOfExample(example[0] ?? null, kind) }
  if (typeof example !== 'object' || example === null) return { value: example }
  if ('url' in example && isAddress(example.url)) return { file: hintOf(example.url, kind, true) }
  const fields = Object.entries(example).map(([name, value]) => [name, shapeOfExample(value, kind)])
  return { fields: Object.fromEntries(fields) }
}

/** Of a published schema. */
export function shapeOfSchema(model: ModelSchema): Shape {
  const example = model.example === undefined ? undefined : shapeOfExample(model.example, 'image')
  return shapeOf(model.schemas[model.output], { model, name: '', example, within: [] })
}

interface At {
  readonly model: ModelSchema
  /** The field that it stands in. */
  readonly name: string
  /** The same place in the example. */
  readonly example: Shape | undefined
  /** The schemas that it stands in: one may hold more of its own kind, such as the parts of a scene. */
  readonly within: readonly JsonSchema[]
}

function shapeOf(given: JsonSchema | undefined, at: At): Shape {
  const own = resolve(given, at.model)
  const schema = withoutNull(own)
  const { example, model } = at
  if (at.within.includes(own)) return { value: null }
  const within = [...at.within, own]
  if (schema.type === 'array') {
    const inner = example && 'list' in example ? example.list : undefined
    return { list: shapeOf(schema.items, { ...at, example: inner, within }) }
  }
  if (schema.properties?.['url']) return { file: namedHint(at.name, true) }
  if (schema.properties) {
    const fields = Object.entries(outputFields(schema, model)).map(([name, field]) => {
      const inner = example && 'fields' in example ? example.fields[name] : undefined
      return [name, shapeOf(field, { model, name, example: inner, within })]
    })
    return { fields: Object.fromEntries(fields) }
  }
  if (schema.format === 'uri') {
    return { file: example && 'file' in example ? example.file : namedHint(at.name, false) }
  }
  // Replicate's schema may say no more than that it is something.
  if (schema.type === undefined || schema.type === 'object') return example ?? { value: schema.type ? {} : null }
  return { echo: at.name, otherwise: plain(schema) }
}

function withoutNull(schema: JsonSchema): JsonSchema {
  const [only, ...more] = schema.anyOf?.filter(({ type }) => type !== 'null') ?? []
  return only && more.length === 0 ? { ...schema, ...only, anyOf: undefined } : schema
}

/** Files that a model makes only if it is asked to are left out. */
function outputFields({ properties = {}, required = [] }: JsonSchema, model: ModelSchema) {
  const isFile = (field: JsonSchema) => resolve(withoutNull(field), model).properties?.['url'] !== undefined
  const fields = Object.entries(properties)
  const always = fields.filter(([name, field]) => required.includes(name) || !isFile(field))
  return Object.fromEntries(always.some(([, field]) => isFile(field)) ? always : fields)
}

/** What the name of a field says of the file in it. */
function namedHint(name: string, isObject: boolean): FileHint {
  const file = (extension: string): FileHint => ({ kind: 'file', extension, isObject })
  if (/lora|weights/i.test(name)) return file('safetensors')
  if (/config|json/i.test(name)) return file('json')
  if (/mesh|glb/i.test(name)) return file('glb')
  if (/video|clip/i.test(name)) return { kind: 'video', isObject }
  if (/audio|speech|music|song|voice/i.test(name)) return { kind: 'audio', isObject }
  return { kind: 'image', isObject }
}

function plain({ type, enum: values }: JsonSchema): unknown {
  if (values) return values[0]
  if (type === 'boolean') return false
  return type === 'integer' || type === 'number' ? 1 : ''
}

/** The files of one output, in the order in which `fillShape` takes them. */
export function filesOfShape(shape: Shape, count: number): FileHint[] {
  if ('file' in shape) return [shape.file]
  if ('list' in shape) {
    const inner = filesOfShape(shape.list, 1)
    return Array.from({ length: inner.length === 0 ? 0 : count }, () => inner).flat()
  }
  return 'fields' in shape ? Object.values(shape.fields).flatMap((field) => filesOfShape(field, count)) : []
}

interface Filling {
  readonly files: readonly { url: string; type: string; name: string; size: number }[]
  readonly input: Record<string, unknown>
  readonly count: number
}

export function fillShape(shape: Shape, { files, input, count }: Filling): unknown {
  const left = [...files]
  const fill = (part: Shape): unknown => {
    if ('file' in part) {
      const file = left.shift()
      if (!part.file.isObject) return file?.url ?? null
      return file ? { url: file.url, content_type: file.type, file_name: file.name, file_size: file.size } : null
    }
    if ('list' in part) {
      return Array.from({ length: count }, () => fill(part.list))
    }
    if ('fields' in part) {
      return Object.fromEntries(Object.entries(part.fields).map(([name, field]) => [name, fill(field)]))
    }
    return 'echo' in part ? (input[part.echo] ?? part.otherwise) : part.value
  }
  return fill(shape)
}
