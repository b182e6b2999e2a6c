// The strip that says the net is away, or the server silent, and that the page goes on trying.
import { createContext } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import type { Trouble } from './client.ts'
import { useWords } from './settings.tsx'

export const TroubleContext = createContext<(trouble: Trouble | undefined) => void>(() => {})

/** A view hands on what its watch met; it is forgotten when the view is left. */
export function useTrouble(trouble: Trouble | undefined): void {
  const tell = useContext(TroubleContext)
  useEffect(() => {
    tell(trouble)
    return () => tell(undefined)
  }, [trouble, tell])
}

export function TroubleStrip({ trouble }: { trouble: Trouble | undefined }) {
  const { frame } = useWords()
  const [isOffline, setOffline] = useState(!navigator.onLine)
  useEffect(() => {
    const change = () => setOffline(!navigator.onLine)
    window.addEventListener('online', change)
    window.addEventListener('offline', change)
    return () => {
      window.removeEventListener('online', change)
      window.removeEventListener('offline', change)
    }
  }, [])
  const text = isOffline ? frame.offline : trouble && frame.trouble(Math.ceil(trouble.retryInMs / 1000))
  return (
    <div class="trouble" role="status">
      {text}
    </div>
  )
}
