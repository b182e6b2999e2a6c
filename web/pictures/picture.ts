// A picture as the forms hold it: made small on this device, and free of what cameras write into files (a home's position, for one).
import { currentUser } from '../session.ts'

export interface Picture {
  id: string
  blob: Blob
  /** For <img>; freed by the browser with the page. */
  url: string
  /** Where it was uploaded, and whose it is there. A retry doesn't send it again. */
  uploaded?: { url: string; user: string | undefined }
}

/** More pixels than this no model looks at. */
const longestSide = 1_600
const quality = 0.88

export class UnreadablePicture extends Error {
  override name = 'UnreadablePicture'
}

export async function readPicture(file: Blob): Promise<Picture> {
  const blob = await shrink(file, longestSide)
  return { id: newId(), blob, url: URL.createObjectURL(blob) }
}

/** A JPEG within `side` × `side`, upright. Throws UnreadablePicture. */
export async function shrink(file: Blob, side: number): Promise<Blob> {
  let bitmap: ImageBitmap
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' })
  } catch (cause) {
    throw new UnreadablePicture(file instanceof File ? file.name : '', { cause })
  }
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height))
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.round(bitmap.width * scale))
  canvas.height = Math.max(1, Math.round(bitmap.height * scale))
  const context = canvas.getContext('2d')
  if (!context) throw new UnreadablePicture('')
  // Where it is transparent, models see black; a garment is photographed on white.
  context.fillStyle = '#ffffff'
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.imageSmoothingQuality = 'high'
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
  bitmap.close()
  const { promise, resolve, reject } = Promise.withResolvers<Blob>()
  canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new UnreadablePicture(''))), 'image/jpeg', quality)
  return promise
}

/** Unlike crypto.randomUUID, there without https too: for a phone that opens a development machine's page. */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export const isUploaded = (picture: Picture): boolean =>
  picture.uploaded !== undefined && picture.uploaded.user === currentUser()
