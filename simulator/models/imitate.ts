// Makes a simulated model of a published schema, or of examples of what a recipe asks for and gets. known.ts lists them.

import type { OutputKind } from '../../core/recipe.ts'
import { blank } from '../draw.ts'
import { drawClip } from '../media/clip.ts'
import { wave } from '../media/wave.ts'
import { type Asked, addressesIn, askedOf, countOf, isArchive } from './asked.ts'
import { dressers } from './dress.ts'
import { blankClip, type Drawn, type Made, type Model, ModelFault, madeOf } from './model.ts'
import { drawPicture } from './picture.ts'
import { type ModelSchema, resolve } from './schemas.ts'
import { type FileHint, filesOfShape, fillShape, type Shape, shapeOfExample, shapeOfSchema } from './shape.ts'
import { faultsOf } from './validate.ts'
import { weights } from './weights.ts'

export function modelOfSchema(schema: ModelSchema): Model {
  const properties = resolve(schema.schemas[schema.input], schema).properties ?? {}
  const given = Object.entries(properties).filter(([, field]) => field.default !== undefined && field.default !== null)
  return imitated({
    name: schema.name,
    version: schema.official ? null : schema.version,
    shape: shapeOfSchema(schema),
    defaults: Object.fromEntries(given.map(([name, field]) => [name, field.default])),
    validate: (input) => faultsOf(schema, input),
  })
}

/** Of what a recipe's examples say that it asks for and gets. Any input will do. */
export const modelOfExample = ({ name, version, output, kind }: ExampleModel): Model =>
  imitated({ name, version: version ?? null, shape: shapeOfExample(output, kind) })

export interface ExampleModel {
  readonly name: string
  readonly version?: string | undefined
  readonly output: unknown
  readonly kind: OutputKind
}

type Input = Record<string, unknown>

interface Imitated {
  readonly name: string
  readonly version: string | null
  readonly shape: Shape
  /** What fields are where the input leaves them out. */
  readonly defaults?: Input
  readonly validate?: Model['validate']
}

function imitated({ name, version, shape, defaults = {}, validate = () => [] }: Imitated): Model {
  const whole = (input: Input): Input => ({ ...defaults, ...input })
  const hintsFor = (input: Input) => filesOfShape(shape, countOf(whole(input)))
  const dress = dressers[name]
  return {
    ...{ name, version, validate },
    isTraining: hintsFor({}).some(isWeights),
    async read(input, load) {
      for (const { url, path } of addressesIn(input)) requireKind(await load(url, path), path)
    },
    async draw(input, drawn) {
      if (dress) return [madeOf(await dress(whole(input), drawn.load))]
      const asked = await askedOf(whole(input), drawn.load, name)
      return Promise.all(hintsFor(input).map((hint, n) => drawFile(hint, { asked, n, input, drawn, name })))
    },
    blank: (input, drawn) => hintsFor(input).map((hint) => blankFile(hint, { input, drawn, name })),
    output: (files, input) => fillShape(shape, { files, input: whole(input), count: countOf(whole(input)) }),
  }
}

function requireKind([first, second]: Uint8Array, path: string): void {
  if (!isArchive(path) || (first === 0x50 && second === 0x4b)) return
  throw new ModelFault('The file is not a zip archive of images', { path, type: 'file_type_error' })
}

const isWeights = ({ extension }: FileHint) => extension === 'safetensors'

interface Making {
  readonly name: string
  readonly input: Input
  readonly drawn: Drawn
}

interface Drawing extends Making {
  readonly asked: Asked
  readonly n: number
}

async function drawFile(hint: FileHint, { asked, n, ...making }: Drawing): Promise<Made> {
  if (hint.kind === 'file') return plainFile(hint, making)
  if (hint.kind === 'audio') return madeFile(wave(asked.words, asked.seconds), 'audio/wav', 'wav')
  if (hint.kind === 'image') {
    return madeOf(await drawPicture({ ...asked, format: asked.format ?? hint.extension }, n))
  }
  const { bytes: picture } = await drawPicture({ ...asked, format: 'png' }, n)
  const format = (asked.format ?? hint.extension) === 'webm' ? 'webm' : 'mp4'
  return madeFile(await drawClip({ picture, seconds: asked.seconds, format }), `video/${format}`, format)
}

/** The same kinds of files, without a look at what was asked. */
function blankFile(hint: FileHint, making: Making): Made {
  if (hint.kind === 'image') return madeOf(blank)
  if (hint.kind === 'audio') return madeFile(wave('', 0.1), 'audio/wav', 'wav')
  return hint.kind === 'video' ? blankClip : plainFile(hint, making)
}

function plainFile(hint: FileHint, { name, input, drawn }: Making): Made {
  if (isWeights(hint)) return weights(drawn.id, drawn.weightsBytes)
  const { extension = 'json' } = hint
  const settings = Object.entries(input).filter(([, value]) => addressesIn(value).length === 0)
  const text = JSON.stringify({ trainer: name, ...Object.fromEntries(settings) }, null, 2)
  if (extension === 'glb') return madeFile(emptyScene(), 'model/gltf-binary', extension)
  if (extension !== 'json') return madeFile(Buffer.from(text), 'application/octet-stream', extension)
  return { ...madeFile(Buffer.from(text), 'application/json', extension), name: 'config.json' }
}

/** A binary glTF file with nothing in it: a header, and one part of JSON. */
function emptyScene(): Buffer {
  const json = Buffer.from('{"asset":{"version":"2.0"}}'.padEnd(28))
  const words = Buffer.alloc(20)
  for (const [n, word] of [0x46546c67, 2, words.length + json.length, json.length, 0x4e4f534a].entries())
    words.writeUInt32LE(word, n * 4)
  return Buffer.concat([words, json])
}

const madeFile = (bytes: Uint8Array, type: string, extension: string): Made => ({
  ...{ bytes, type, extension },
  size: bytes.length,
})
