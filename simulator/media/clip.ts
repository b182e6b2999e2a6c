// Makes a small clip of a picture: it sways a little, so that one can see that it is a clip. MP4 for most, WebM for who asks for it.

import sharp from 'sharp'
import { encode, type Shift, type Yuv } from './h264.ts'
import { mp4 } from './mp4.ts'
import { webm } from './webm.ts'

const framesPerSecond = 8
const longestSide = 320
const swing = 12

interface ClipRequest {
  readonly picture: Uint8Array
  readonly seconds: number
  readonly format: 'mp4' | 'webm'
}

export async function drawClip({ picture, seconds, format }: ClipRequest): Promise<Buffer> {
  const { width: across, height: down } = await sharp(picture).metadata()
  const scale = longestSide / Math.max(across, down)
  const width = inBlocks(across * scale)
  const height = inBlocks(down * scale)
  const count = Math.max(2, Math.round(seconds * framesPerSecond))
  const shifts = Array.from({ length: count - 1 }, (_, n) => shiftAt((n + 1) / framesPerSecond))
  if (format === 'webm')
    return webm({ width, height, framesPerSecond, pictures: await views(picture, width, height, count) })
  const { data } = await sharp(picture)
    .removeAlpha()
    .toColourspace('srgb')
    .resize(width, height, { fit: 'fill' })
    .raw()
    .toBuffer({ resolveWithObject: true })
  return mp4({ width, height, framesPerSecond, ...encode(yuv(data, width, height), shifts) })
}

const inBlocks = (length: number) => Math.max(16, Math.round(length / 16) * 16)

/** Once to and fro in two seconds. */
function shiftAt(second: number): Shift {
  const phase = Math.PI * second
  return [Math.round(Math.sin(phase) * swing), Math.round((1 - Math.cos(phase)) * swing * 0.3)]
}

/** The sway again after two seconds. */
async function views(picture: Uint8Array, width: number, height: number, count: number): Promise<Buffer[]> {
  const larger = await sharp(picture)
    .removeAlpha()
    .resize(width + swing * 2, height + swing * 2, { fit: 'fill' })
    .png({ compressionLevel: 1 })
    .toBuffer()
  const round = await Promise.all(
    Array.from({ length: Math.min(count, framesPerSecond * 2) }, (_, n) => {
      const [x, y] = shiftAt(n / framesPerSecond)
      return sharp(larger)
        .extract({ left: swing - x, top: swing - y, width, height })
        .webp({ quality: 70 })
        .toBuffer()
    }),
  )
  return Array.from({ length: count }, (_, n) => round[n % round.length] ?? Buffer.alloc(0))
}

/** BT.601, limited range, as players take it where nothing is said. */
function yuv(rgb: Uint8Array, width: number, height: number): Yuv {
  const y = new Uint8Array(width * height)
  const u = new Uint8Array((width * height) / 4)
  const v = new Uint8Array((width * height) / 4)
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const at = (row * width + column) * 3
      const [r = 0, g = 0, b = 0] = [rgb[at], rgb[at + 1], rgb[at + 2]]
      y[row * width + column] = 16 + 0.257 * r + 0.504 * g + 0.098 * b
      if (row % 2 === 1 || column % 2 === 1) continue
      const quarter = (row / 2) * (width / 2) + column / 2
      u[quarter] = 128 - 0.148 * r - 0.291 * g + 0.439 * b
      v[quarter] = 128 + 0.439 * r - 0.368 * g - 0.071 * b
    }
  }
  return { width, height, y, u, v }
}
