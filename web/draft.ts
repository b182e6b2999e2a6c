// A form that is half filled in stays so while one looks elsewhere on the page.
import { useState } from 'preact/hooks'

const drafts = new Map<string, unknown>()

export function useDraft<T>(name: string, initial: T) {
  const [value, setValue] = useState<T>(() => (drafts.get(name) as T | undefined) ?? initial)
  const change = (next: (before: T) => T) =>
    setValue((before) => {
      const after = next(before)
      drafts.set(name, after)
      return after
    })
  return [value, change] as const
}

export const dropDraft = (name: string): void => {
  drafts.delete(name)
}
