// A process that is killed at a chosen moment: after so many of its statements, writes to the store and requests took effect, nothing that it
// has begun ever goes on. Tests of what others find afterwards call it.
import type { Deps } from '../../engine/deps.ts'
import { openFiles } from '../../storage/files.ts'
import type { BlobStore } from '../../storage/store.ts'

export interface Dying {
  deps: Partial<Deps>
  /** Resolves when it is dead. */
  died: Promise<void>
  isDead(): boolean
}

const never = new Promise<never>(() => undefined)

/** `deps` of it and a store that die together after `count` operations. */
export function dyingAfter(count: number, deps: Deps, store: BlobStore): Dying {
  const died = Promise.withResolvers<void>()
  let left = count
  if (left === 0) died.resolve()
  const begin = () => (left > 0 ? undefined : never)
  const end = () => {
    left -= 1
    if (left > 0) return undefined
    died.resolve()
    return never
  }
  const living = async <T>(run: () => Promise<T>): Promise<T> => {
    await begin()
    return run()
  }
  const operate = async <T>(run: () => Promise<T>): Promise<T> => {
    await begin()
    const result = await run()
    await end()
    return result
  }
  const db = deps.db.withPlugin({
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      await end()
      return result
    },
  })
  const dying: BlobStore = {
    // Who dies after a read dies as after what was written last.
    head: (key) => living(() => store.head(key)),
    read: (key, range) => living(() => store.read(key, range)),
    readJson: (key) => living(() => store.readJson(key)),
    write: (...given) => operate(() => store.write(...given)),
    writeJson: (key, value) => operate(() => store.writeJson(key, value)),
    remove: (key) => operate(() => store.remove(key)),
    async *list(options) {
      await begin()
      yield* store.list(options)
    },
  }
  const http = {
    ...deps.http,
    send: (request: Parameters<Deps['http']['send']>[0]) => operate(() => deps.http.send(request)),
  }
  return { deps: { db, files: openFiles(dying), http }, died: died.promise, isDead: () => left <= 0 }
}
