// The page's one database in the browser. Drafts and what tasks were started with lie in it, pictures and all.
export type StoreName = 'tasks' | 'drafts'
const storeNames: readonly StoreName[] = ['tasks', 'drafts']
/** Raised with every store that is added. */
const version = 2

/** Browsers have been seen whose database never answers: whoever asks it, a start for one, goes on without. */
const patienceMs = 5_000

/** Once it has not been opened in time, nobody waits for it again until it has. */
let isSilent = false

/** Rejects where the browser keeps nothing: a private window, a full disk. */
export async function openStore(name: StoreName, mode: IDBTransactionMode): Promise<IDBObjectStore> {
  if (isSilent) throw new Error('The database of this browser does not answer.')
  const opening = indexedDB.open('stepgate', version)
  opening.onupgradeneeded = () => {
    const { result } = opening
    for (const one of storeNames) if (!result.objectStoreNames.contains(one)) result.createObjectStore(one)
  }
  // Another tab with a newer page must be able to add its stores, also where this opens too late.
  opening.addEventListener('success', () => {
    isSilent = false
    opening.result.onversionchange = () => opening.result.close()
  })
  const database = await done(opening).catch((error) => {
    isSilent = error instanceof Silence
    throw error
  })
  return database.transaction(name, mode).objectStore(name)
}

export function done<T>(request: IDBRequest<T>): Promise<T> {
  return inTime((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/** Resolves when what was written outlives the page: a request that has succeeded may still be undone, by a full disk for one. */
export function committed({ transaction }: IDBObjectStore): Promise<void> {
  return inTime((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error)
  })
}

class Silence extends Error {}

function inTime<T>(begin: (resolve: (value: T) => void, reject: (reason: unknown) => void) => void): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const silence = new Silence(`The database of this browser gave no answer in ${patienceMs} ms.`)
  // It counts the time that the page is active, as a timer does not: a draft isn't given up because a phone was put away.
  AbortSignal.timeout(patienceMs).addEventListener('abort', () => reject(silence))
  begin(resolve, reject)
  return promise
}
