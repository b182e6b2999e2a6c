// The seam to the blob store: in memory, each access an operation of the scheduler.

import { openFolderStore } from '../../storage/folder/store.ts'
import { type BlobStore, StoreFault, StoreRefusal } from '../../storage/store.ts'
import type { Activity } from './activity.ts'
import { openDisk, simulatedFolder } from './disk.ts'
import type { Scheduler } from './scheduler.ts'
import type { Trouble } from './trouble.ts'
import { requireCall } from './virtual-time.ts'

/** What the blob store holds, for all function calls of one simulation. */
export type Blobs = Map<string, { data: Blob; metadata: Record<string, unknown> }>

const fates = { 'failed before': 0.1, 'failed after': 0.1, 'killed before': 0.1, 'killed after': 0.1 }
/** As long as a call of the store's own client may take. */
const patienceMs = 10_000

/** `missing`: what a store answers that doesn't find what it holds. */
export type Operate = <T>(label: string, run: () => T, missing?: { value: T }) => Promise<T>

/** A token comes with each function call, and is good while that lasts: `tokenOf` says whose is sent. */
export function gated(scheduler: Scheduler, trouble: Trouble, tokenOf: () => Activity): Operate {
  return (label, run, missing) => {
    const token = tokenOf()
    return scheduler.operate(requireCall(), {
      label: `blob ${label.replaceAll(secret, '…')}`,
      fates,
      patienceMs,
      isHeld: () => trouble.store === 'hangs',
      run: async () => {
        if (trouble.store === 'refuses' || token.state !== 'alive') throw new StoreRefusal('the blob store answers 401')
        const isForgotten = missing !== undefined && trouble.store === 'forgets' && scheduler.random.chance(0.5)
        return isForgotten ? missing.value : run()
      },
      fail: (fate) => new StoreFault(`blob store ${fate}`),
    })
  }
}

/** Random by itself, and so in no schedule. */
const secret = /[0-9a-f]{32}/g

/** For a look from outside. */
export const ungated: Operate = async (_label, run) => run()

export type OpenSimulated = (operate: Operate, blobs: Blobs, name: string) => BlobStore

/** The folder store itself, on a disk whose every step may be the last. */
export const openFolder: OpenSimulated = (operate, blobs, name) =>
  openFolderStore(simulatedFolder, name, openDisk(operate, blobs))

/** As Netlify's: whole blobs, and no addresses of its own. */
export const openWhole: OpenSimulated = (operate, blobs, name) => {
  const at = (key: string) => `${name}/${key}`
  const put = (key: string, data: Blob, metadata: Record<string, unknown>) =>
    operate(`set ${key}`, () => void blobs.set(at(key), { data, metadata }))
  const store: BlobStore = {
    head: (key) => operate(`look at ${key}`, () => blobs.get(at(key))?.metadata, nothing),
    read: async (key, range) => {
      const data = await operate(`get ${key}`, () => blobs.get(at(key))?.data, nothing)
      return data?.slice(range?.start, range && range.end + 1).stream()
    },
    readJson: async (key) => {
      const data = await operate(`get ${key}`, () => blobs.get(at(key))?.data, nothing)
      return data && JSON.parse(await data.text())
    },
    write: (key, data, metadata = {}) => put(key, new Blob([data]), metadata),
    writeJson: (key, data) => put(key, new Blob([JSON.stringify(data)]), {}),
    list: async function* ({ prefix, directories = false }) {
      yield await operate(`list ${prefix}`, () => pageOf(blobs, at(prefix), directories), nobody)
    },
    remove: (key) => operate(`delete ${key}`, () => void blobs.delete(at(key))),
  }
  return new Proxy(store, { get: ownMethod })
}

const nothing = { value: undefined }
const nobody = { value: { blobs: [], directories: [] } }

/** Whether a store can do these is for it to say. */
const choices = ['compose', 'link', 'until']

/** Nobody here stores more than one page holds. */
function pageOf(blobs: Blobs, path: string, directories: boolean) {
  const store = path.indexOf('/') + 1
  const found = [...blobs.keys()].filter((key) => key.startsWith(path)).toSorted()
  const isDeep = (key: string) => directories && key.slice(path.length).includes('/')
  const folders = found.filter(isDeep).map((key) => key.slice(store, key.indexOf('/', path.length)))
  return {
    blobs: found.filter((key) => !isDeep(key)).map((key) => ({ key: key.slice(store) })),
    directories: [...new Set(folders)],
  }
}

/** The engine lives with a store that fails, so a method that is missing here would pass for one. */
function ownMethod<T extends object>(store: T, name: string | symbol): unknown {
  if (name in store) return Reflect.get(store, name)
  if (choices.includes(String(name))) return undefined
  process.nextTick(() => {
    throw new Error(`the simulated blob store has no ${String(name)}`)
  })
  return undefined
}
