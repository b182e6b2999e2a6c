// What the person may still spend today, for whoever shows a price. A page without an answer shows the price alone.
import { useEffect, useState } from 'preact/hooks'
import type { Usage } from './client.ts'
import { client, currentUser } from './session.ts'

export function useUsage(): Usage | undefined {
  const [usage, setUsage] = useState<Usage>()
  useEffect(() => {
    // Whoever only looks needs no session, and has spent nothing.
    if (currentUser() === undefined) return undefined
    const leaving = new AbortController()
    client.usage(leaving.signal).then(setUsage, () => undefined)
    return () => leaving.abort()
  }, [])
  return usage
}

/** What a button does, and what that costs where it is known. */
export const withPrice = (label: string, micros: number | undefined): string =>
  micros ? `${label} · ${dollars(micros)}` : label

/** To the cent; what is less is said to be less. */
export function dollars(micros: number): string {
  if (micros > 0 && micros < 10_000) return '< $0.01'
  return `$${(micros / 1_000_000).toFixed(2)}`
}
