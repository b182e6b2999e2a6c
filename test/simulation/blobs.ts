// The seam to the blob store: in memory, each access an operation of the scheduler.
import type { Store } from '@netlify/blobs'
import { StoreFault } from '../../storage/store.ts'
import type { Scheduler } from './scheduler.ts'
import { requireCall } from './virtual-time.ts'

/** What the blob store holds, for all function calls of one simulation. */
export type Blobs = Map<string, { data: Blob; metadata: Record<string, unknown> }>

const fates = { 'failed before': 0.1, 'failed after': 0.1, 'killed before': 0.1, 'killed after': 0.1 }
/** The store's own client gives up after half a minute of tries. */
const patienceMs = 30_000

export type Operate = <T>(label: string, run: () => T) => Promise<T>

export function gated(scheduler: Scheduler): Operate {
  return (label, run) =>
    scheduler.operate(requireCall(), {
      label: `blob ${label}`,
      fates,
      patienceMs,
      run: async () => run(),
      fail: (fate) => new StoreFault(`blob store ${fate}`),
    })
}

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
    // No seed uploads anything, so there is nothing to sweep.
    list: async function* () {
      yield await operate('list', () => ({ blobs: [], directories: [] }))
    },
    delete: (key: string) => operate(`delete ${key}`, () => void blobs.delete(at(key))),
    // The scheduler ends each access by itself.
    until: undefined,
  }
  return new Proxy(store, { get: ownMethod }) as unknown as Store
}

/** The engine lives with a store that fails, so a method that is missing here would pass for one. */
function ownMethod<T extends object>(store: T, name: string | symbol): unknown {
  if (name in store) return Reflect.get(store, name)
  process.nextTick(() => {
    throw new Error(`the simulated blob store has no ${String(name)}`)
  })
  return undefined
}
