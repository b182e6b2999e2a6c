// Parts of the dependencies that are loaded with their first use, by the composition root alone: a poll, a session or an idle ping
// then doesn't wait for code that only passes need. The modules are the same, whoever loads them first.
import type { Config } from '../core/config.ts'
import type { Provider } from '../core/provider.ts'
import type { Http } from '../providers/http.ts'
import { openProviders } from '../providers/index.ts'
import type { Files } from '../storage/files.ts'
import type { Instants } from '../storage/instants.ts'
import type { WakeMark } from '../storage/wake.ts'

export function lazyStores(): { files: Files; wake: WakeMark; instants: Instants } {
  const open = once(async () => (await import('./stores.ts')).openStores())
  return {
    files: lazily(async () => (await open()).files, 'write', 'copy', 'stat', 'read', 'remove', 'folders', 'clear'),
    wake: lazily(async () => (await open()).wake, 'raise', 'look', 'lower'),
    instants: lazily(async () => (await open()).instants, 'note', 'last'),
  }
}

/** Providers load themselves with their first use. */
export function lazyOutside(config: Config): { http: Http; providers: ReadonlyMap<string, Provider> } {
  const open = once(async () => (await import('./outside.ts')).openOutside(config))
  const http = lazily(open, 'send', 'download', 'close')
  return { http, providers: openProviders(config, http) }
}

/** These methods of an object, each of which opens it first. All of them give promises. */
function lazily<T extends object, Name extends keyof T>(open: () => Promise<T>, ...names: Name[]): Pick<T, Name> {
  const method =
    (name: Name) =>
    async (...given: unknown[]): Promise<unknown> => {
      const opened = await open()
      const real = opened[name]
      if (typeof real !== 'function') throw new Error(`${String(name)} is no method`)
      return Reflect.apply(real, opened, given)
    }
  return Object.fromEntries(names.map((name) => [name, method(name)])) as Pick<T, Name>
}

/** One for all callers; what could not be opened is tried again by the next one. */
export function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined
  return () => {
    opened ??= open().catch((error) => {
      opened = undefined
      throw error
    })
    return opened
  }
}
