// Reads what an input asks for, as far as the names of its fields tell: words, pictures, number, shape and format. imitate.ts calls it.

import { type Load, loadPicture } from './model.ts'

export interface Asked {
  /** The words that the picture, the clip or the tune is made from. */
  readonly words: string
  readonly images: readonly Uint8Array[]
  readonly seed: number
  /** Width to height, such as `16:9`; undefined: as the first picture has it. */
  readonly aspectRatio: string | undefined
  readonly format: string | undefined
  readonly seconds: number
}

type Input = Record<string, unknown>

const wordFields = ['prompt', 'gen_text', 'text', 'prompt_a', 'lyrics', 'tags', 'topic', 'caption']

export async function askedOf(input: Input, load: Load, name: string): Promise<Asked> {
  const images: Uint8Array[] = []
  for (const { url, path } of addressesIn(input)) {
    if (!isOtherFile(path)) images.push(await loadPicture(load, url, path))
  }
  return {
    words: wordsOf(input) ?? name,
    images,
    seed: typeof input['seed'] === 'number' ? input['seed'] : 0,
    aspectRatio: ratioOf(input),
    format: formatOf(input),
    seconds: secondsOf(input),
  }
}

/** How many files it asks for. */
export function countOf(input: Input): number {
  for (const field of ['num_images', 'num_outputs', 'number_of_images', 'number_of_outputs', 'num_samples', 'n']) {
    const value = input[field]
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return Math.min(value, 16)
  }
  return 1
}

function wordsOf(input: Input): string | undefined {
  return wordFields.map((field) => input[field]).find((value) => typeof value === 'string' && value.trim() !== '') as
    | string
    | undefined
}

interface Address {
  readonly url: string
  readonly path: string
}

/** Every address in an input, and in which field it stands. */
export function addressesIn(value: unknown, path = ''): Address[] {
  if (typeof value === 'string') return /^(https?:\/\/|data:)/.test(value) ? [{ url: value, path }] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => addressesIn(inner, Array.isArray(value) ? path : name))
}

const isOtherFile = (path: string) =>
  /audio|video|voice|speaker|music|song|zip|archive|data_url|lora|path|weights/i.test(path)

/** Of a file whose name in the input says what it is. */
export const isArchive = (path: string) => /zip|archive|data_url/i.test(path)

const sizes: Record<string, string> = {
  square_hd: '1:1',
  square: '1:1',
  portrait_4_3: '3:4',
  portrait_16_9: '9:16',
  landscape_4_3: '4:3',
  landscape_16_9: '16:9',
}

function ratioOf(input: Input): string | undefined {
  const { aspect_ratio: ratio, image_size: size, width, height } = input
  if (typeof ratio === 'string' && /^\d+:\d+$/.test(ratio)) return ratio
  if (typeof size === 'string' && sizes[size]) return sizes[size]
  if (typeof size === 'object' && size !== null && 'width' in size && 'height' in size) {
    return `${Number(size.width)}:${Number(size.height)}`
  }
  return typeof width === 'number' && typeof height === 'number' ? `${width}:${height}` : undefined
}

function formatOf(input: Input): string | undefined {
  const given = input['output_format'] ?? input['format'] ?? input['video_format']
  return typeof given === 'string' ? given.toLowerCase() : undefined
}

/** Clips and tunes are short whatever was asked: they show that something was. */
function secondsOf(input: Input): number {
  const given = Number.parseFloat(String(input['duration'] ?? input['seconds_total'] ?? input['length'] ?? 3))
  return Number.isFinite(given) ? Math.min(12, Math.max(1, given)) : 3
}
