// Draws what an image model answers with: the first picture that it was given, the others beside it, and the words below. Without
// pictures it is a card with the words.

import sharp from 'sharp'
import { captionSvg, drawCard } from '../card.ts'
import { encoded, type Picture } from '../draw.ts'
import type { Asked } from './asked.ts'

const longestSide = 768

export async function drawPicture(asked: Asked, number: number): Promise<Picture> {
  const { words, images, aspectRatio, seed } = asked
  const format = formatOf(asked.format)
  const [first, ...others] = images
  if (!first) return drawCard({ prompt: words, seed: seed + number, format, aspectRatio: aspectRatio ?? '1:1' })
  const { width, height } = await frameOf(first, aspectRatio)
  const side = Math.round(Math.min(width, height) / 6)
  const beside = await Promise.all(
    others.slice(0, Math.floor(width / (side + 8))).map(async (image, n) => ({
      input: await sharp(image).resize(side, side, { fit: 'contain', background: '#fff' }).png().toBuffer(),
      left: 8 + n * (side + 8),
      top: 8,
    })),
  )
  const base = await sharp(first)
    .removeAlpha()
    .resize(width, height, { fit: 'cover' })
    // Another seed is another picture.
    .modulate({ hue: ((seed + number) * 37) % 24 })
    .png({ compressionLevel: 1 })
    .toBuffer()
  const caption = { input: Buffer.from(captionSvg(words, width, height)), left: 0, top: 0 }
  return encoded(sharp(base).composite([...beside, caption]), format)
}

async function frameOf(image: Uint8Array, ratio: string | undefined): Promise<{ width: number; height: number }> {
  const own = await sharp(image).metadata()
  const [across = 1, down = 1] = ratio?.split(':').map(Number) ?? [own.width, own.height]
  const scale = longestSide / Math.max(across, down)
  return { width: Math.max(16, Math.round(across * scale)), height: Math.max(16, Math.round(down * scale)) }
}

function formatOf(format: string | undefined): 'jpg' | 'png' | 'webp' {
  return format === 'png' || format === 'webp' ? format : 'jpg'
}
