// Reads from a model's output schema what comes back: which kind of file, in which members, and an example of it. add.ts calls it.

import type { OutputKind } from '../../core/recipe.ts'
import { filesOf } from '../../recipes/profiles.ts'
import { type JsonSchema, type Model, resolve, SchemaError } from './model.ts'

export interface Output {
  readonly kind: OutputKind
  /** The members of an output object that hold its files; none where it is an address or a list of them. */
  readonly members: readonly string[]
  readonly example: unknown
  /** A LoRA or other weights: what a training leaves. */
  readonly isTraining: boolean
}

const endings: readonly [OutputKind, RegExp][] = [
  ['image', /\.(png|jpe?g|webp|avif|gif)$/i],
  ['video', /\.(mp4|webm|mov)$/i],
  ['audio', /\.(wav|mp3|ogg|flac|m4a|opus)$/i],
  ['file', /\.(safetensors|zip|tar|json|glb)$/i],
]

/** `asked` wins over what the schema and the provider's example let guess. What is of another kind than the main file is left there. */
export function readOutput(model: Model, asked: OutputKind | undefined): Output {
  const schema = resolve(model.schemas[model.output], model)
  const found = model.provider === 'fal' ? falFiles(schema, model) : replicateFiles(schema, model)
  const shown = [model.example].flat().find(isAddress)
  const files = found
    .toSorted((one, other) => rankOf(one) - rankOf(other))
    .map((file) => ({ ...file, kind: kindOf({ name: file.name, address: file.address ?? shown, model }) }))
  const [first] = files
  if (first === undefined) throw new SchemaError(model.output, whyNone(schema))
  const kind = asked ?? first.kind
  const own = files.filter((file) => file === first || file.kind === kind)
  const names = own.filter((file) => file.name !== '').map(({ name }) => name)
  return { kind, members: names, example: exampleOf(own, kind, model), isTraining: isWeights(first.name) }
}

const isWeights = (name: string) => /lora|weights/i.test(name)

/** What was trained comes before the settings that it was trained with. */
const rankOf = ({ name }: File) => (isWeights(name) ? 0 : /config|debug|timestamps/i.test(name) ? 2 : 1)

interface File {
  /** The member that holds it; empty where the output is the file. */
  readonly name: string
  readonly isList: boolean
  readonly address?: string | undefined
}

/** Every member that is a file, or a list of them: objects with an address. */
function falFiles(schema: JsonSchema, model: Model): File[] {
  const isFile = (part: JsonSchema) => resolve(part, model).properties?.['url'] !== undefined
  const found = Object.entries(schema.properties ?? {}).flatMap(([name, given]) => {
    const part = resolve(given, model)
    if (part.type === 'array') return part.items && isFile(part.items) ? [{ name, isList: true }] : []
    return isFile(part) ? [{ name, isList: false }] : []
  })
  const required = found.filter(({ name }) => schema.required?.includes(name))
  return required.length > 0 ? required : found
}

function replicateFiles(schema: JsonSchema, { example }: Model): File[] {
  if (schema.format === 'uri') return [{ name: '', isList: false }]
  if (schema.type === 'array') return isUri(schema.items) ? [{ name: '', isList: true }] : []
  const named = Object.entries(schema.properties ?? {}).flatMap(([name, part]) =>
    isUri(part) || isUri(part.items) ? [{ name, isList: isUri(part.items), address: addressIn(example, name) }] : [],
  )
  if (named.length > 0 || schema.type === 'string') return named
  // The schema says no more than that it is something: the provider's example tells what.
  return filesIn(example)
}

const isUri = (schema: JsonSchema | undefined) => schema?.format === 'uri'
const isAddress = (value: unknown): value is string => typeof value === 'string' && /^https?:\/\//.test(value)

function filesIn(example: unknown): File[] {
  if (isAddress(example)) return [{ name: '', isList: false, address: example }]
  if (Array.isArray(example)) return isAddress(example[0]) ? [{ name: '', isList: true, address: example[0] }] : []
  if (typeof example !== 'object' || example === null) return []
  return Object.entries(example).flatMap(([name, value]) => {
    const [first] = [value].flat()
    return isAddress(first) ? [{ name, isList: Array.isArray(value), address: first }] : []
  })
}

function addressIn(example: unknown, name: string): string | undefined {
  if (typeof example !== 'object' || example === null) return undefined
  const [first] = [(example as Record<string, unknown>)[name]].flat()
  return isAddress(first) ? first : undefined
}

function whyNone(schema: JsonSchema): string {
  const isText = schema.type === 'string' || schema['x-cog-array-display'] === 'concatenate'
  return isText ? 'the model answers with text; recipes make files' : 'no file is found in what the model answers with'
}

interface Hint {
  readonly name: string
  readonly address: string | undefined
  readonly model: Model
}

/** By the example's file, then by the member's name, then by the model's own name and fields. */
function kindOf({ name, address, model }: Hint): OutputKind {
  const path = (address && URL.parse(address)?.pathname) || ''
  const ended = endings.find(([, ending]) => ending.test(path))
  if (ended) return ended[0]
  if (/lora|weights|config|mesh|glb|zip|archive/i.test(name)) return 'file'
  if (name !== '') return named(name)
  const fields = resolve(model.schemas[model.input], model).properties ?? {}
  const isFilm = fields['duration'] && (fields['fps'] || fields['resolution'] || fields['aspect_ratio'])
  return isFilm ? 'video' : named(model.name)
}

function named(text: string): OutputKind {
  if (/video|clip|animat|i2v|t2v|img2vid/i.test(text)) return 'video'
  return /audio|music|speech|song|tts|voice|sound/i.test(text) ? 'audio' : 'image'
}

function exampleOf(files: readonly File[], kind: OutputKind, { provider }: Model): unknown {
  const entries = files.map(({ name, isList }) => {
    const file = fileOf(name, kind, provider)
    return [name, isList ? [file] : file] as const
  })
  return entries[0]?.[0] === '' ? entries[0][1] : Object.fromEntries(entries)
}

function fileOf(name: string, kind: OutputKind, provider: Model['provider']): unknown {
  const host = provider === 'fal' ? 'v3.fal.media' : 'replicate.delivery'
  const { file, type } = /config/i.test(name)
    ? { file: 'config.json', type: 'application/json' }
    : isWeights(name)
      ? { file: 'lora.safetensors', type: 'application/octet-stream' }
      : { file: filesOf[kind].named, type: filesOf[kind].type }
  const url = `https://${host}/files/${file}`
  return provider === 'fal' ? { url, content_type: type } : url
}
