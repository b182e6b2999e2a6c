// Encodes a drawing in the format that was asked for.

import type { Sharp } from 'sharp'
import type { Picture } from '../draw.ts'

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
