// Zip files of photos for trainers: read by their directory, and written anew of nothing but clean photos. The upload endpoint and start
// call it. What isn't such a file is refused in words: other contents, encrypted ones, archives in archives, bombs, odd names.
import { buffer } from 'node:stream/consumers'
import type { Entry, ZipFile } from 'yauzl'
import { withDeadline } from '../core/deadline.ts'
import { cleanImage } from './image.ts'
import { UnacceptableFile } from './write.ts'

/** More photos teach a trainer nothing, and each costs a decoding. */
const maxPhotos = 200
/** Unfolded. Phones' photos have 2 to 12 MB. */
const maxPhotoBytes = 25_000_000
/** A photo's own format leaves nothing to squeeze; what unfolds so far is made to. */
const maxTotalBytes = 100_000_000
/** A little less than may be uploaded: the rest is for names and the directory. */
const budget = 4_000_000
const leastShare = 20_000

/** Left behind by operating systems beside the photos. */
const isLitter = (name: string) => /(^|\/)(__MACOSX\/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\._[^/]*$)|\/$/i.test(name)

/** The photos, named by number. Those that take longer than the caller has time for are refused. */
export async function cleanArchive(bytes: Uint8Array, patienceMs: number): Promise<Uint8Array> {
  try {
    return await withDeadline(patienceMs, (signal) => cleaned(bytes, signal))
  } catch (cause) {
    if (!(cause instanceof DOMException && cause.name === 'TimeoutError')) throw cause
    const message = 'The zip file takes too long to read'
    throw new UnacceptableFile('too_large', message, { cause })
  }
}

async function cleaned(bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  const zip = await open(bytes)
  const photos = await photosIn(zip)
  const sum = photos.reduce((total, { compressedSize }) => total + compressedSize, 0)
  const files: Record<string, Uint8Array> = {}
  for (const [index, entry] of photos.entries()) {
    signal.throwIfAborted()
    const share = Math.max(leastShare, Math.floor((budget * entry.compressedSize) / sum))
    const clean = await cleanPhoto(zip, entry, share)
    files[`${String(index + 1).padStart(3, '0')}${extensionOf(clean)}`] = clean
  }
  // Its build for Node declares a `require` of its own, which the bundles' banner declares too. What is used of it is the same.
  const { zipSync } = await import('fflate/browser')
  // Not compressed again, and of no instant: when the photos were sent is nobody's business.
  return zipSync(files, { level: 0, mtime: '1980-01-01T00:00:00' })
}

/** How many photos are in it. */
export async function countPhotos(bytes: Uint8Array): Promise<number> {
  return (await photosIn(await open(bytes))).length
}

async function open(bytes: Uint8Array): Promise<ZipFile> {
  const { default: yauzl } = await import('yauzl')
  try {
    return await yauzl.fromBufferPromise(Buffer.from(bytes), { lazyEntries: true, autoClose: false })
  } catch (cause) {
    throw new UnacceptableFile('wrong_type', 'The zip file is damaged', { cause })
  }
}

/** Reads the whole directory, and judges it before anything is unfolded. */
async function photosIn(zip: ZipFile): Promise<Entry[]> {
  const photos: Entry[] = []
  let total = 0
  try {
    for await (const entry of zip.eachEntry()) {
      if (isLitter(entry.fileName)) continue
      requireSound(entry)
      total += entry.uncompressedSize
      photos.push(entry)
      if (photos.length > maxPhotos) throw refused('too_large', `The zip file holds more than ${maxPhotos} files`)
      if (total > maxTotalBytes)
        throw refused('too_large', `The zip file unfolds to more than ${maxTotalBytes / 1_000_000} MB`)
    }
  } catch (cause) {
    if (cause instanceof UnacceptableFile) throw cause
    // A name that leads out of the folder, a directory that contradicts itself, an end that is missing.
    throw refused('wrong_type', `The zip file is damaged or unsafe (${(cause as Error).message})`, cause)
  }
  if (photos.length === 0) throw refused('empty', 'There is no photo in the zip file')
  return photos
}

function requireSound(entry: Entry): void {
  const name = JSON.stringify(entry.fileName.slice(-60))
  if (entry.isEncrypted())
    throw refused('wrong_type', `${name} in the zip file is encrypted; send it without a password`)
  if (/\.(zip|7z|rar|tar|gz|tgz)$/i.test(entry.fileName))
    throw refused('wrong_type', `${name} is an archive in the zip file; send the photos themselves`)
  if (!entry.canDecodeFileData())
    throw refused('wrong_type', `${name} is compressed in a way that cannot be read here; make an ordinary zip file`)
  if (entry.uncompressedSize > maxPhotoBytes)
    throw refused('too_large', `${name} in the zip file has more than ${maxPhotoBytes / 1_000_000} MB`)
}

async function cleanPhoto(zip: ZipFile, entry: Entry, share: number): Promise<Uint8Array> {
  const name = JSON.stringify(entry.fileName.slice(-60))
  try {
    const stream = await zip.openReadStreamPromise(entry)
    return await cleanImage(await buffer(stream), share)
  } catch (cause) {
    if (cause instanceof UnacceptableFile)
      throw refused(cause.reason, `${name} in the zip file: ${cause.message}`, cause)
    throw refused('wrong_type', `${name} in the zip file is damaged`, cause)
  }
}

const extensionOf = (image: Uint8Array): string => (image[0] === 0xff ? '.jpg' : image[0] === 0x89 ? '.png' : '.webp')

const refused = (reason: UnacceptableFile['reason'], message: string, cause?: unknown) =>
  new UnacceptableFile(reason, message, { cause })
