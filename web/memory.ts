// What the functions don't show of a task, kept in this browser: the pictures that it was started with, for the chain and for comparing.
import type { Category } from './inputs.ts'
import { committed, done, openStore } from './store.ts'

export interface Remembered {
  person?: Blob
  garments: { image: Blob; category: Category; note: string }[]
  /** The form as it was, to be filled in again. */
  draft?: unknown
}

const mostTasks = 40

/** Never throws: a browser that keeps nothing shows the task without its start picture. */
export async function remember(taskId: string, remembered: Remembered): Promise<void> {
  try {
    const store = await openStore('tasks', 'readwrite')
    store.put(remembered, taskId)
    // Ids are in order of time, so the first keys are the oldest.
    const keys = await done(store.getAllKeys())
    for (const key of keys.slice(0, -mostTasks)) store.delete(key)
    await committed(store)
  } catch (error) {
    console.warn('The start pictures are not kept:', error)
  }
}

export async function recall(taskId: string): Promise<Remembered | undefined> {
  try {
    return await done<Remembered | undefined>((await openStore('tasks', 'readonly')).get(taskId))
  } catch (error) {
    console.warn('The start pictures are not found:', error)
    return undefined
  }
}

/** Never throws, as above. */
export async function forget(taskId: string): Promise<void> {
  try {
    const store = await openStore('tasks', 'readwrite')
    store.delete(taskId)
    await committed(store)
  } catch (error) {
    console.warn('The start pictures are not deleted:', error)
  }
}

/** Drafts, too. */
export async function forgetAll(): Promise<void> {
  try {
    for (const name of ['tasks', 'drafts'] as const) {
      const store = await openStore(name, 'readwrite')
      store.clear()
      await committed(store)
    }
  } catch (error) {
    console.warn('What this browser kept is not deleted:', error)
  }
}
