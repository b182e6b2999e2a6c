// The page's one database in the browser. Drafts and what tasks were started with lie in it, pictures and all.
export type StoreName = 'tasks' | 'drafts'
const storeNames: readonly StoreName[] = ['tasks', 'drafts']
/** Raised with every store that is added. */
const version = 2

/** Rejects where the browser keeps nothing: a private window, a full disk. */
export async function openStore(name: StoreName, mode: IDBTransactionMode): Promise<IDBObjectStore> {
  const opening = indexedDB.open('stepgate', version)
  opening.onupgradeneeded = () => {
    const { result } = opening
    for (const one of storeNames) if (!result.objectStoreNames.contains(one)) result.createObjectStore(one)
  }
  const database = await done(opening)
  // Another tab with a newer page must be able to add its stores.
  database.onversionchange = () => database.close()
  return database.transaction(name, mode).objectStore(name)
}

export function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
