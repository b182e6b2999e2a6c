// One thing that a button does beside a task's own moves: deleting, sharing, leading on. The parts of the page that have such buttons use it.
import { useRef, useState } from 'preact/hooks'
import type { StepgateError } from './client.ts'
import { asProblem } from './use-task.ts'

/** Runs one thing at a time, and keeps what went wrong with it. */
export function useDeed() {
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<StepgateError>()
  const isUnderWay = useRef(false)
  const run = (deed: () => Promise<unknown>) => {
    // The state above disables buttons at the next drawing only; a second click can be faster.
    if (isUnderWay.current) return
    isUnderWay.current = true
    setBusy(true)
    setError(undefined)
    deed()
      .catch((fault) => setError(asProblem(fault)))
      .finally(() => {
        isUnderWay.current = false
        setBusy(false)
      })
  }
  return { isBusy, error, run }
}
