// Draws what the simulated models answer with: a garment laid on a person, a card with a prompt, a blank.
// The providers' halves call it once for each prediction that succeeds. Each garment is drawn onto the picture it is
// given, at its own place on the body, so in a chain the earlier garments stay visible.

import sharp, { type Sharp } from 'sharp'
import { type Cutout, cutOut } from './cutout.ts'

export interface Picture {
  readonly bytes: Uint8Array
  readonly type: 'image/png' | 'image/jpeg' | 'image/webp'
  readonly extension: 'png' | 'jpg' | 'webp'
}

export type Category = 'upper_body' | 'lower_body' | 'dresses'

/** One transparent pixel: a valid picture that costs nothing to make. */
export const blank: Picture = {
  bytes: Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
    'base64',
  ),
  type: 'image/png',
  extension: 'png',
}

// Fractions of the picture's height, around its vertical middle line: a standing person who fills the frame.
const places: Record<Category, { top: number; width: number; height: number }> = {
  upper_body: { top: 0.243, width: 0.36, height: 0.314 },
  lower_body: { top: 0.506, width: 0.26, height: 0.394 },
  dresses: { top: 0.243, width: 0.36, height: 0.538 },
}

// The model's own default seed draws the plain picture; every other one differs from it in hue and place.
const plainSeed = 42

interface DressRequest {
  readonly human: Uint8Array
  readonly garment: Uint8Array
  readonly category: Category
  readonly seed: number
}

/** The person wearing the garment, at most 768 × 1024 like the model's own output. */
export async function drawDressed(request: DressRequest): Promise<Picture> {
  // As the model's own code opens a picture: it doesn't turn it by its EXIF, and only drops what was transparent.
  const human = await sharp(request.human)
    .removeAlpha()
    .resize(768, 1024, { fit: 'inside' })
    .png({ compressionLevel: 1 })
    .toBuffer({ resolveWithObject: true })
  const frame = { width: human.info.width, height: human.info.height }
  const cut = await cutOut(request.garment)
  const place = places[request.category]
  const scale = Math.min((place.height * frame.height) / cut.height, (place.width * frame.height) / cut.width)
  const width = Math.max(1, Math.min(frame.width, Math.round(cut.width * scale)))
  const height = Math.max(1, Math.min(frame.height, Math.round(cut.height * scale)))
  const varied = vary(request.seed)
  const garment = await sharp(cut.data, { raw: { width: cut.width, height: cut.height, channels: 4 } })
    .resize(width, height, { fit: 'fill' })
    .modulate({ hue: varied.hue, brightness: varied.brightness })
    .raw()
    .toBuffer()
  const left = clamp(Math.round((frame.width - width) / 2) + varied.shift, frame.width - width)
  const top = clamp(Math.round(place.top * frame.height), frame.height - height)
  const bytes = await sharp(human.data)
    .composite([
      { input: await shadowOf({ data: garment, width, height }, frame, left + 3, top + 6) },
      { input: garment, raw: { width, height, channels: 4 }, left, top },
    ])
    .jpeg({ quality: 92, chromaSubsampling: '4:4:4' })
    .toBuffer()
  return { bytes, type: 'image/jpeg', extension: 'jpg' }
}

const clamp = (value: number, most: number) => Math.max(0, Math.min(most, value))

function vary(seed: number): { hue: number; brightness: number; shift: number } {
  const distance = seed - plainSeed
  if (distance === 0) return { hue: 0, brightness: 1, shift: 0 }
  const step = (Math.imul(distance, 2_654_435_761) >>> 8) & 0xffff
  // Seen side by side they differ, and a red shirt is still a red shirt.
  const hue = 12 + (step % 14)
  return { hue: step & 1 ? hue : 360 - hue, brightness: 0.94 + (step % 13) / 100, shift: (step % 9) - 4 }
}

// A soft dark copy of the outline under the garment: it keeps a shirt apart from the jacket above it.
function shadowOf(garment: Cutout, frame: { width: number; height: number }, left: number, top: number) {
  const layer = Buffer.alloc(frame.width * frame.height * 4)
  for (let y = 0; y < Math.min(garment.height, frame.height - top); y += 1) {
    for (let x = 0; x < Math.min(garment.width, frame.width - left); x += 1) {
      const alpha = garment.data[(y * garment.width + x) * 4 + 3] ?? 0
      layer[((y + top) * frame.width + x + left) * 4 + 3] = alpha * 0.3
    }
  }
  return sharp(layer, { raw: { ...frame, channels: 4 } })
    .blur(5)
    .png({ compressionLevel: 1 })
    .toBuffer()
}

/** A drawing in the format that was asked for. */
export async function encoded(image: Sharp, format: 'jpg' | 'png' | 'webp'): Promise<Picture> {
  switch (format) {
    case 'png':
      return { bytes: await image.png().toBuffer(), type: 'image/png', extension: 'png' }
    case 'jpg':
      return { bytes: await image.jpeg({ quality: 85 }).toBuffer(), type: 'image/jpeg', extension: 'jpg' }
    case 'webp':
      return { bytes: await image.webp({ quality: 85 }).toBuffer(), type: 'image/webp', extension: 'webp' }
  }
}
