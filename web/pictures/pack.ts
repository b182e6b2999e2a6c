// Packs photos into one zip file on this device, small enough to be uploaded. Loaded only when somebody trains an avatar.
import { zipSync } from 'fflate'
import { mostZipBytes } from '../recipes.ts'
import { shrink } from './picture.ts'

/** A zip's own bytes for each file, generously. */
const overheadBytes = 256
const sides = [1_024, 896, 768, 640, 512]

/** The largest size at which all of them fit. Throws RangeError where even the smallest doesn't. */
export async function packPhotos(photos: readonly Blob[]): Promise<Blob> {
  for (const side of sides) {
    const small = await Promise.all(photos.map((photo) => shrink(photo, side)))
    const size = small.reduce((sum, blob) => sum + blob.size + overheadBytes, 0)
    if (size <= mostZipBytes) return zip(small)
  }
  throw new RangeError(`${photos.length} photos don't fit into ${mostZipBytes} bytes`)
}

async function zip(blobs: readonly Blob[]): Promise<Blob> {
  const files = await Promise.all(
    blobs.map(async (blob, index) => [`${index + 1}.jpg`, new Uint8Array(await blob.arrayBuffer())] as const),
  )
  // JPEG can't be made smaller by it, so nothing is compressed.
  return new Blob([zipSync(Object.fromEntries(files), { level: 0 })], { type: 'application/zip' })
}
