// A folder as a store: for `npm start`, and for `npm run serve` on a machine or in a container of one's own. storage/open.ts opens it.
// A blob is one file: its bytes, then its metadata, then how long that is. So it appears whole or not at all, by one rename, and a viewer
// still opens a picture.
import { randomUUID } from 'node:crypto'
import { dirname, join, resolve } from 'node:path'
import { withDeadline } from '../../core/deadline.ts'
import { type BlobStore, type ByteRange, type Page, StoreFault, StoreRefusal } from '../store.ts'
import { type Disk, type Entry, isAbsent, type OpenFile, realDisk } from './disk.ts'

/** Names in a listing's page. */
const pageNames = 1_000
const ending = '.blob'
/** Of what isn't there yet. */
const temporaryEnding = '.tmp'
/** The metadata's length, little end first, and a word to know the file by. */
const tailBytes = 8
const word = 'SGB1'

interface FolderOptions {
  /** For a call, until a file's first bytes: a disk over a network may hang. A part of 8 MiB must get through. */
  patienceMs?: number
}

/** The folder is made with the first blob. */
export function openFolderStore(
  folder: string,
  name: string,
  disk: Disk = realDisk,
  { patienceMs = 20_000 }: FolderOptions = {},
): BlobStore {
  const root = resolve(folder, name)
  const pathOf = (key: string) => join(root, ...key.split('/').map(encodeName))
  const guarded = <T>(work: (signal: AbortSignal) => Promise<T>) => asFault(withDeadline(patienceMs, work))
  return {
    head: (key) => guarded(() => reading(disk, pathOf(key), async (file) => (await tailOf(file)).metadata)),
    read: (key, range) => guarded((late) => openStream(disk, pathOf(key), range, late)),
    readJson: (key) => guarded(() => reading(disk, pathOf(key), readRecord)),
    write: (key, bytes, metadata) => guarded(() => writeWhole(disk, pathOf(key), new Uint8Array(bytes), metadata)),
    writeJson: (key, value) => guarded(() => writeWhole(disk, pathOf(key), Buffer.from(JSON.stringify(value)))),
    remove: (key) => guarded(() => remove(disk, root, pathOf(key))),
    list: async function* ({ prefix, directories = false }) {
      const pages = list(disk, root, prefix, directories)
      for (;;) {
        const { done, value } = await guarded(() => pages.next())
        if (done) return
        yield value
      }
    },
  }
}

/** A disk that is full, broken, hung or not ours is a fault of the store, never of the file. */
async function asFault<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    const { code, name } = cause as NodeJS.ErrnoException
    if (name === 'TimeoutError') throw new StoreFault('The storage folder did not answer in time', { cause })
    if (code === undefined) throw cause
    if (['EACCES', 'EPERM', 'EROFS'].includes(code))
      throw new StoreRefusal(`The storage folder may not be used (${code})`, { cause })
    throw new StoreFault(`The storage folder failed (${code})`, { cause })
  }
}

async function readRecord(file: OpenFile): Promise<unknown> {
  const { end } = await tailOf(file)
  return JSON.parse(new TextDecoder().decode(await file.bytes({ start: 0, end })))
}

async function remove(disk: Disk, root: string, path: string): Promise<void> {
  const folder = dirname(path)
  await disk.remove(path + ending)
  for (const { name, isFolder } of await disk.entries(folder))
    if (!isFolder && join(folder, keyPart(name)) === path) await disk.remove(join(folder, name))
  for (let at = folder; at.startsWith(root) && at !== root; at = dirname(at))
    if (!(await disk.removeIfEmpty(at))) return
}

/** A key's part as a file's name. Every sign that a name can't hold, and every dot, is written as %XX: no key leads out of the folder. */
function encodeName(part: string): string {
  return encodeURIComponent(part).replaceAll(/[.!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`)
}

/** A file's name without our endings: `1.blob`, `1.<id>.tmp`. */
const keyPart = (file: string) => file.replace(/\..*$/, '')

async function reading<T>(disk: Disk, path: string, work: (file: OpenFile) => Promise<T>): Promise<T | undefined> {
  const file = await disk.open(path + ending)
  if (!file) return undefined
  try {
    return await work(file)
  } finally {
    await file.close()
  }
}

async function openStream(
  disk: Disk,
  path: string,
  range: ByteRange | undefined,
  late: AbortSignal,
): Promise<ReadableStream<Uint8Array> | undefined> {
  const file = await disk.open(path + ending)
  if (!file) return undefined
  try {
    const { end } = await tailOf(file)
    const [start, last] = range ? [range.start, Math.min(range.end, end)] : [0, end]
    // To nobody any more, it is closed here.
    if (start <= last && !late.aborted) return file.stream({ start, end: last })
  } catch (error) {
    await file.close()
    throw error
  }
  await file.close()
  return new Blob([]).stream()
}

interface Tail {
  metadata: Record<string, unknown>
  /** Where the bytes end: -1 where there are none. */
  end: number
}

async function tailOf(file: OpenFile): Promise<Tail> {
  const tail = Buffer.from(await file.bytes({ start: Math.max(0, file.size - tailBytes), end: file.size - 1 }))
  if (tail.byteLength < tailBytes || tail.toString('latin1', 4) !== word)
    throw new StoreFault('A file in the storage folder is none of ours, or is cut short')
  const start = file.size - tailBytes - tail.readUInt32LE(0)
  const text = await file.bytes({ start, end: file.size - tailBytes - 1 })
  return { metadata: JSON.parse(new TextDecoder().decode(text)) as Record<string, unknown>, end: start - 1 }
}

/** Under a name of its own first, and on the disk before it is renamed: a crash leaves what was there, or nothing. */
async function writeWhole(disk: Disk, path: string, bytes: Uint8Array, metadata: object = {}): Promise<void> {
  const text = Buffer.from(JSON.stringify(metadata))
  const tail = Buffer.alloc(tailBytes, word, 'latin1')
  tail.writeUInt32LE(text.byteLength)
  tail.write(word, 4, 'latin1')
  for (let tries = 0; ; tries += 1) {
    const temporary = `${path}.${randomUUID()}${temporaryEnding}`
    try {
      await disk.create(temporary, [bytes, text, tail])
      return await disk.rename(temporary, path + ending)
    } catch (error) {
      await disk.remove(temporary)
      // Its folder was empty a moment ago, and somebody has removed it since.
      if (!isAbsent(error) || tries >= 5) throw error
    }
  }
}

async function* list(disk: Disk, root: string, prefix: string, isFlat: boolean): AsyncGenerator<Page> {
  const at = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  const folder = join(root, ...at.split('/').filter(Boolean).map(encodeName))
  let page: Page = { blobs: [], directories: [] }
  for await (const { key, isFolder, size } of walk(disk, folder, at, { prefix, isFlat })) {
    if (isFolder) page.directories.push(key)
    else page.blobs.push({ key, size })
    if (page.blobs.length + page.directories.length < pageNames) continue
    yield page
    page = { blobs: [], directories: [] }
  }
  yield page
}

interface Found {
  key: string
  isFolder: boolean
  size: number
}

interface WalkOptions {
  prefix: string
  isFlat: boolean
}

async function* walk(disk: Disk, folder: string, at: string, options: WalkOptions): AsyncGenerator<Found> {
  const { prefix, isFlat } = options
  const byName = Map.groupBy(
    await disk.entries(folder),
    ({ name, isFolder }) => `${keyPart(name)}${isFolder ? '/' : ''}`,
  )
  for (const [name, entries] of [...byName].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    const part = name.replace(/\/$/, '')
    const key = at + decodeURIComponent(part)
    const isFolder = name.endsWith('/')
    if (!key.startsWith(prefix) && !(isFolder && prefix.startsWith(`${key}/`))) continue
    if (!isFolder) yield { key, isFolder, size: await sizeOf(disk, folder, entries) }
    else if (isFlat) yield { key, isFolder, size: 0 }
    else yield* walk(disk, join(folder, part), `${key}/`, options)
  }
}

/** What it takes on the disk, and what was begun of it. */
async function sizeOf(disk: Disk, folder: string, entries: readonly Entry[]): Promise<number> {
  let size = 0
  for (const { name } of entries) size += await disk.size(join(folder, name))
  return size
}
