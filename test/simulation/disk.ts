// A disk in memory for the real folder store: each thing that is done to it is an operation of the scheduler, so that a process can die
// between any two. What lies on it is the simulation's blobs, named as the store's keys are; what is begun keeps its ending.
import type { Disk, Entry, OpenFile } from '../../storage/folder/disk.ts'
import type { Blobs, Operate } from './blobs.ts'

export const simulatedFolder = '/simulated'
const ending = '.blob'

const keyOf = (path: string) => path.slice(simulatedFolder.length + 1).replace(new RegExp(`\\${ending}$`), '')

export function openDisk(operate: Operate, blobs: Blobs): Disk {
  return {
    create: (path, pieces) =>
      operate(
        `create ${shortened(keyOf(path))}`,
        () =>
          void blobs.set(keyOf(path), { data: new Blob(pieces.map((piece) => new Uint8Array(piece))), metadata: {} }),
      ),
    rename: (from, to) =>
      operate(`rename to ${keyOf(to)}`, () => {
        const found = blobs.get(keyOf(from))
        if (!found) throw Object.assign(new Error('it is gone'), { code: 'ENOENT' })
        blobs.delete(keyOf(from))
        blobs.set(keyOf(to), found)
      }),
    open: async (path) => {
      const found = await operate(`open ${keyOf(path)}`, () => blobs.get(keyOf(path)))
      return found && openFile(found.data)
    },
    size: async (path) => blobs.get(keyOf(path))?.data.size ?? 0,
    remove: (path) => operate(`remove ${shortened(keyOf(path))}`, () => void blobs.delete(keyOf(path))),
    entries: (folder) => operate(`list ${keyOf(folder)}`, () => entriesOf(blobs, `${keyOf(folder)}/`)),
    // A folder is there as long as something lies in it.
    removeIfEmpty: async (folder) => ![...blobs.keys()].some((key) => key.startsWith(`${keyOf(folder)}/`)),
  }
}

/** The random part of a name that is not there yet is in no schedule. */
const shortened = (key: string) => key.replace(/\.[\da-f-]{36}\./, '.….')

function openFile(data: Blob): OpenFile {
  return {
    size: data.size,
    bytes: async ({ start, end }) => data.slice(start, end + 1).bytes(),
    stream: ({ start, end }) => data.slice(start, end + 1).stream(),
    close: async () => undefined,
  }
}

function entriesOf(blobs: Blobs, folder: string): Entry[] {
  const entries = new Map<string, boolean>()
  for (const key of blobs.keys()) {
    if (!key.startsWith(folder)) continue
    const [name = '', ...below] = key.slice(folder.length).split('/')
    const isFolder = below.length > 0
    entries.set(isFolder || name.endsWith('.tmp') ? name : name + ending, isFolder)
  }
  return [...entries].map(([name, isFolder]) => ({ name, isFolder }))
}
