// The seam to the blob store: in memory, each access an operation of the scheduler.
import type { Store } from '@netlify/blobs'
import { StoreFault, StoreRefusal } from '../../storage/store.ts'
import type { Activity } from './activity.ts'
import type { Scheduler } from './scheduler.ts'
import type { Trouble } from './trouble.ts'
import { requireCall } from './virtual-time.ts'

/** What the blob store holds, for all function calls of one simulation. */
export type Blobs = Map<string, { data: Blob; metadata: Record<string, unknown> }>

const fates = { 'failed before': 0.1, 'failed after': 0.1, 'killed before': 0.1, 'killed after': 0.1 }
/** As long as a call of the store's own client may take. */
const patienceMs = 10_000

export type Operate = <T>(label: string, run: () => T) => Promise<T>

/** A token comes with each function call, and is good while that lasts: `tokenOf` says whose is sent. */
export function gated(scheduler: Scheduler, trouble: Trouble, tokenOf: () => Activity): Operate {
  return (label, run) => {
    const token = tokenOf()
    return scheduler.operate(requireCall(), {
      label: `blob ${label.replaceAll(secret, '…')}`,
      fates,
      patienceMs,
      isHeld: () => trouble.store === 'hangs',
      run: async () => {
        if (trouble.store === 'refuses' || token.state !== 'alive') throw new StoreRefusal('the blob store answers 401')
        return run()
      },
      fail: (fate) => new StoreFault(`blob store ${fate}`),
    })
  }
}

/** Random by itself, and so in no schedule. */
const secret = /[0-9a-f]{32}/g

/** For a look from outside. */
export const ungated: Operate = async (_label, run) => run()

/** The part of Netlify's store that we use. */
export function openStore(operate: Operate, blobs: Blobs, name: string): Store {
  const at = (key: string) => `${name}/${key}`
  const put = (key: string, data: Blob, metadata: Record<string, unknown>) =>
    operate(`set ${key}`, () => {
      blobs.set(at(key), { data, metadata })
      return { modified: true }
    })
  const store = {
    set: (key: string, data: ArrayBuffer, options?: { metadata?: Record<string, unknown> }) =>
      put(key, new Blob([data]), options?.metadata ?? {}),
    setJSON: (key: string, data: unknown) => put(key, new Blob([JSON.stringify(data)]), {}),
    getWithMetadata: (key: string) =>
      operate(`look at ${key}`, () => {
        const found = blobs.get(at(key))
        return found ? { data: found.data.stream(), metadata: found.metadata } : null
      }),
    get: async (key: string, options?: { type?: string }) => {
      const data = await operate(`get ${key}`, () => blobs.get(at(key))?.data)
      if (!data) return null
      return options?.type === 'json' ? JSON.parse(await data.text()) : data.stream()
    },
    list: async function* ({ prefix, directories = false }: ListOptions) {
      yield await operate(`list ${prefix}`, () => pageOf(blobs, at(prefix), directories))
    },
    delete: (key: string) => operate(`delete ${key}`, () => void blobs.delete(at(key))),
    // The scheduler ends each access by itself.
    until: undefined,
  }
  return new Proxy(store, { get: ownMethod }) as unknown as Store
}

interface ListOptions {
  prefix: string
  directories?: boolean
}

/** Nobody here stores more than one page holds. */
function pageOf(blobs: Blobs, path: string, directories: boolean) {
  const store = path.indexOf('/') + 1
  const found = [...blobs.keys()].filter((key) => key.startsWith(path)).toSorted()
  const isDeep = (key: string) => directories && key.slice(path.length).includes('/')
  const folders = found.filter(isDeep).map((key) => key.slice(store, key.indexOf('/', path.length)))
  return {
    blobs: found.filter((key) => !isDeep(key)).map((key) => ({ key: key.slice(store), etag: '' })),
    directories: [...new Set(folders)],
  }
}

/** The engine lives with a store that fails, so a method that is missing here would pass for one. */
function ownMethod<T extends object>(store: T, name: string | symbol): unknown {
  if (name in store) return Reflect.get(store, name)
  process.nextTick(() => {
    throw new Error(`the simulated blob store has no ${String(name)}`)
  })
  return undefined
}
