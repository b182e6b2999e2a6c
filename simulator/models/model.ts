// What a simulated model is, at whichever provider: what input it takes, what it reads, and the files it makes. known.ts lists them; jobs/
// runs them.

import sharp from 'sharp'
import type { Picture } from '../draw.ts'

/** A file that a model made. Large ones are made as they are read, from any offset. */
export interface Made {
  /** Where the model itself gives it one. */
  readonly name?: string | undefined
  readonly type: string
  readonly extension: string
  readonly size: number
  readonly bytes?: Uint8Array | undefined
  /** Bytes `from` to `to`, inclusive. */
  part?(from: number, to: number): Iterable<Uint8Array>
}

/** What one input lacks: `path` leads to the field. */
export interface InputFault {
  readonly path: readonly (string | number)[]
  readonly message: string
  readonly type: string
}

/** The bytes behind an address that stands at `path` in the input. */
export type Load = (url: string, path: string) => Promise<Uint8Array>

export interface Drawn {
  /** The job's, for what has to differ from job to job. */
  readonly id: string
  readonly weightsBytes: number
  readonly load: Load
}

export interface Model {
  readonly name: string
  /** At Replicate community models are called by a version; official ones by their name, and hide it. */
  readonly version: string | null
  readonly isTraining: boolean
  validate(input: unknown): InputFault[]
  /** Looks at what the input names, as the model does when it begins. Throws ModelFault. */
  read(input: Record<string, unknown>, load: Load): Promise<void>
  draw(input: Record<string, unknown>, drawn: Drawn): Promise<Made[]>
  /** The same without looking at anything: for tests that want no pictures. */
  blank(input: Record<string, unknown>, drawn: Drawn): Made[]
  /** The output as the provider tells it. */
  output(files: readonly (Made & { url: string; name: string })[], input: Record<string, unknown>): unknown
}

/** A failure that the model itself reports, in its own words. */
export class ModelFault extends Error {
  override readonly name = 'ModelFault'
  /** Which field of the input is at fault, if one is. */
  readonly field: { path: string; type: string } | undefined

  constructor(message: string, field?: { path: string; type: string }) {
    super(message)
    this.field = field
  }
}

export const madeOf = (picture: Picture): Made => ({ ...picture, size: picture.bytes.length })

/** The beginning of an MP4 file: enough to be told as one by its content. */
export const blankClip: Made = (() => {
  const bytes = Buffer.from('\0\0\0\x18ftypisom\0\0\x02\0isomiso2\0\0\0\x08mdat', 'latin1')
  return { bytes, size: bytes.length, type: 'video/mp4', extension: 'mp4' }
})()

export function* partOfMade({ bytes, part }: Made, from: number, to: number): Generator<Uint8Array> {
  if (part) yield* part(from, to)
  else if (bytes) yield bytes.subarray(from, to + 1)
}

/** Throws ModelFault for what isn't a picture. */
export async function loadPicture(load: Load, url: string, path: string): Promise<Uint8Array> {
  const bytes = await load(url, path)
  const isPicture = await sharp(bytes)
    .metadata()
    .then(
      () => true,
      () => false,
    )
  if (isPicture) return bytes
  throw new ModelFault(`cannot identify image file: ${path}`, { path, type: 'image_load_error' })
}
