// Makes a picture fit to be kept: upright, within bounds, opaque, and without anything but the picture. Every image that people send
// passes here: uploads, images inside a start request, photos inside a zip file. No byte of what was sent is stored: the pixels are
// read and written anew, so that a camera's notes (a home's position among them) are gone, and what is no picture ends here.
import type { Sharp } from 'sharp'
import { maxImageBytes } from '../core/upload.ts'
import { detectType } from './type.ts'
import { UnacceptableFile } from './write.ts'

/** Some hundred bytes can unfold into gigabytes; twice what today's phones take by default is still decoded within a function's memory. */
const maxPixels = 50_000_000
/** For one picture, however often it is written. */
const patienceMs = 20_000

/** What is decoded; AVIF is stored as JPEG, since models don't take it. */
const readTypes = ['image/png', 'image/jpeg', 'image/webp', 'image/avif', 'image/heic', 'image/heif']

interface Writing {
  side: number
  write(image: Sharp, type: string): Sharp
}

const asJpeg = (side: number, quality: number): Writing => ({ side, write: (image) => image.jpeg({ quality }) })
/** From the best on, until the file fits. The longest sides are more than any model sees; even noise fits at the end. */
const writings: readonly Writing[] = [
  { side: 4_096, write: inOwnType },
  asJpeg(4_096, 88),
  asJpeg(2_048, 88),
  asJpeg(2_048, 70),
  asJpeg(1_024, 70),
  asJpeg(512, 70),
]

function inOwnType(image: Sharp, type: string): Sharp {
  if (type === 'image/png') return image.png({ adaptiveFiltering: true })
  if (type === 'image/webp') return image.webp({ quality: 88 })
  return image.jpeg({ quality: 88 })
}

/** The picture as a PNG, JPEG or WebP file of at most `maxBytes`, if that is anyhow possible. Throws `UnacceptableFile`. */
export async function cleanImage(bytes: Uint8Array, maxBytes = maxImageBytes): Promise<Uint8Array> {
  if (bytes.byteLength === 0) throw new UnacceptableFile('empty', 'There is nothing in it')
  const type = await detectType(bytes, readTypes)
  if (!type) throw new UnacceptableFile('wrong_type', 'It is not a PNG, JPEG, WebP or AVIF image')
  const endBy = performance.now() + patienceMs
  let clean: Uint8Array = bytes
  for (const writing of writings) {
    clean = await draw(bytes, type, writing, endBy)
    if (clean.byteLength <= maxBytes) break
  }
  return clean
}

async function draw(bytes: Uint8Array, type: string, { side, write }: Writing, endBy: number): Promise<Uint8Array> {
  // Loaded with the first image: it is most of such a function's weight.
  const { default: sharp } = await import('sharp')
  try {
    const upright = sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error' })
      .autoOrient()
      .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
      // Models see no transparency: what lies under it would show, black mostly.
      .flatten({ background: '#fff' })
      .toColourspace('srgb')
      .timeout({ seconds: Math.max(1, Math.ceil((endBy - performance.now()) / 1_000)) })
    return await write(upright, type).toBuffer()
  } catch (cause) {
    throw unreadable(type, cause)
  }
}

function unreadable(type: string, cause: unknown): UnacceptableFile {
  if (/pixel limit/.test(String(cause)))
    return new UnacceptableFile('too_large', `It has more than ${maxPixels / 1_000_000} million pixels`, { cause })
  if (/timeout/.test(String(cause))) return new UnacceptableFile('too_large', 'It takes too long to draw', { cause })
  // Its decoder is patented, and so isn't there.
  if (/hei[cf]/.test(type))
    return new UnacceptableFile(
      'wrong_type',
      'HEIC images cannot be read here; save it as JPEG, or set the camera to "Most Compatible"',
      { cause },
    )
  return new UnacceptableFile('wrong_type', 'The picture is damaged', { cause })
}
