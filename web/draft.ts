// Half filled forms. They outlast a look elsewhere on the page, a reload, and a camera for which the phone threw the page out.
import { useEffect, useRef, useState } from 'preact/hooks'
import { hasOwnTokens, settleUser } from './app-user.ts'
import { committed, done, openStore } from './store.ts'

/** Of what a person says shall be different in a task. */
export const changeDraft = (taskId: string): string => `${taskId}, change`

const drafts = new Map<string, unknown>()
/** How often each was dropped: what a form of before still has to say, of a photo that took long to read, is not kept. */
const drops = new Map<string, number>()
const dropsOf = (name: string) => drops.get(name) ?? 0
/** What is still to be written, by name; `undefined` removes. */
const unwritten = new Map<string, unknown>()
let writing: Promise<void> | undefined

export function useDraft<T>(name: string, initial: T) {
  // In an app nothing is shown before it is known who is here.
  const known = hasOwnTokens ? undefined : (drafts.get(name) as T | undefined)
  const [value, setValue] = useState<T>(known ?? initial)
  const isTouched = useRef(known !== undefined)
  const begun = useRef(dropsOf(name))
  useEffect(() => {
    if (isTouched.current) return
    readDraft<T>(name).then(
      (found) => {
        if (found === undefined || isTouched.current) return
        drafts.set(name, found)
        setValue(found)
      },
      (fault) => console.warn('The form of last time is not shown:', fault),
    )
  }, [name])
  const change = (next: (before: T) => T) => {
    if (begun.current !== dropsOf(name)) return
    isTouched.current = true
    setValue((before) => {
      const after = next(before)
      void putDraft(name, after)
      return after
    })
  }
  return [value, change] as const
}

/** Throws where an app gives no token, or another user's than before: nothing may be sent then. */
export async function readDraft<T>(name: string): Promise<T | undefined> {
  await settleUser()
  return drafts.has(name) ? (drafts.get(name) as T) : load<T>(name)
}

/** Resolves once it outlives the page, where the browser keeps anything. */
export function putDraft(name: string, value: unknown): Promise<void> {
  drafts.set(name, value)
  return write(name, value)
}

export function dropDraft(name: string): void {
  drops.set(name, dropsOf(name) + 1)
  drafts.delete(name)
  void write(name, undefined)
}

/** Those of this visit: memory.ts clears what is stored. */
export function dropDrafts(): void {
  for (const name of drafts.keys()) dropDraft(name)
}

/** Files outlive the page, but not the addresses that <img> shows them by. */
export function revive<T>(value: T): T {
  if (Array.isArray(value)) return value.map(revive) as T
  if (typeof value !== 'object' || value === null || value instanceof Blob) return value
  const revived = Object.fromEntries(Object.entries(value).map(([key, member]) => [key, revive(member)]))
  if (revived['blob'] instanceof Blob) revived['url'] = URL.createObjectURL(revived['blob'])
  return revived as T
}

async function load<T>(name: string): Promise<T | undefined> {
  await writing
  try {
    return revive(await done<T | undefined>((await openStore('drafts', 'readonly')).get(name)))
  } catch (error) {
    console.warn('The form of last time is not found:', error)
    return undefined
  }
}

/** At once, and never two at a time: of what changes meanwhile, the last is written. */
function write(name: string, value: unknown): Promise<void> {
  unwritten.set(name, value)
  writing ??= writeAll().finally(() => {
    writing = undefined
  })
  return writing
}

async function writeAll(): Promise<void> {
  try {
    for (let [next] = unwritten; next; [next] = unwritten) {
      const [key, draft] = next
      unwritten.delete(key)
      const store = await openStore('drafts', 'readwrite')
      if (draft === undefined) store.delete(key)
      else store.put(draft, key)
      await committed(store)
    }
  } catch (error) {
    console.warn('The form is not kept:', error)
  }
}
