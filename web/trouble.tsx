// The strip that says the net is away, or the server silent, and that the page goes on trying; where that lasts, a button tries at once.
import { createContext } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import { StepgateError, type Trouble } from './client.ts'
import { useWords } from './settings.tsx'
import { lookAgain } from './wakes.ts'
import type { Words } from './words/en.ts'

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
  const text = isOffline ? frame.offline : trouble && wordsOf(trouble, frame)
  return (
    <div class="trouble" role="status">
      {text}
      {!isOffline && trouble && isLasting(trouble) && (
        <button type="button" class="button quiet" onClick={lookAgain}>
          {frame.tryNow}
        </button>
      )}
    </div>
  )
}

/** By then it has been tried for two minutes and a half. */
const isLasting = ({ tries }: Trouble): boolean => tries >= 10

/** A proxy's 502 or 504 says that the server gave no answer; any other status is one. */
function wordsOf(trouble: Trouble, frame: Words['frame']): string {
  const { error, retryInMs } = trouble
  const seconds = Math.ceil(retryInMs / 1000)
  if (isLasting(trouble)) return frame.lasting(seconds)
  const isAnswer = error instanceof StepgateError && error.status > 0 && error.status !== 502 && error.status !== 504
  return isAnswer ? frame.fault(seconds) : frame.trouble(seconds)
}
