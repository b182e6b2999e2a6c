// One thing that a button does beside a task's own moves: deleting, sharing, leading on. The parts of the page that have such buttons use it.
import { useState } from 'preact/hooks'
import type { StepgateError } from './client.ts'
import { asProblem } from './use-task.ts'

/** Runs one thing at a time, and keeps what went wrong with it. */
export function useDeed() {
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<StepgateError>()
  const run = (deed: () => Promise<unknown>) => {
    if (isBusy) return
    setBusy(true)
    setError(undefined)
    deed()
      .catch((fault) => setError(asProblem(fault)))
      .finally(() => setBusy(false))
  }
  return { isBusy, error, run }
}
