// Makes a picture fit to be kept: upright, within bounds, and without anything but the picture. The upload endpoint calls it. It promises
// that no byte of what was sent is stored: the pixels are read and written anew, so that a camera's notes (a home's position among
// them) and whatever else was hidden in the file are gone, and a file that only looks like a picture ends here.
import { imageTypes, maxImageBytes } from '../core/upload.ts'
import { UnacceptableFile } from './files.ts'
import { detectType } from './type.ts'

/** Some hundred bytes can unfold into gigabytes; twice what today's phones take by default is still decoded within a function's memory. */
const maxPixels = 50_000_000
/** Far more than any model sees. The second is for pictures that are too large when written in the first. */
const longestSides = [4_096, 2_048] as const
const patienceSeconds = 15

/** The picture as a file of the same type, at most `maxImageBytes` long. Throws `UnacceptableFile`. */
export async function cleanImage(bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes.byteLength === 0) throw new UnacceptableFile('empty', 'There is nothing in it')
  const type = await detectType(bytes, imageTypes)
  if (!type) throw new UnacceptableFile('wrong_type', 'It is not a PNG, JPEG or WebP image')
  for (const side of longestSides) {
    const clean = await draw(bytes, type, side)
    if (clean.byteLength <= maxImageBytes) return clean
  }
  throw new UnacceptableFile('too_large', 'The picture is still over 4 MB when made smaller')
}

async function draw(bytes: Uint8Array, type: string, side: number): Promise<Uint8Array> {
  // Loaded by the first upload alone: it is most of that function's weight.
  const { default: sharp } = await import('sharp')
  const image = sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error' })
  try {
    const upright = image
      .autoOrient()
      .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
      .timeout({ seconds: patienceSeconds })
    if (type === 'image/png') return await upright.png().toBuffer()
    if (type === 'image/webp') return await upright.webp({ quality: 88 }).toBuffer()
    return await upright.jpeg({ quality: 88 }).toBuffer()
  } catch (cause) {
    if (/pixel limit/.test(String(cause))) throw tooManyPixels()
    throw new UnacceptableFile('wrong_type', 'The picture is damaged', { cause })
  }
}

const tooManyPixels = () =>
  new UnacceptableFile('too_large', `It has more than ${maxPixels / 1_000_000} million pixels`)
