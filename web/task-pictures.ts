// From a task view to what is shown of it: the chain of pictures, and which step is meant. Pure.
import type { TaskView } from './client.ts'
import type { Words } from './words/shape.ts'

export interface ChainItem {
  /** 0 for the start picture. */
  step: number
  name: string
  /** Absent as long as it isn't made. */
  src: string | undefined
  isInTheMaking: boolean
  /** The garment that this step puts on. */
  garment: string | undefined
  /** Which stored picture of its step it is, where several can be chosen from. */
  choice?: { attempt: number; file: number; isChosen: boolean }
}

export interface StartPictures {
  person: string | undefined
  garments: readonly string[]
}

export const isMoving = ({ status }: TaskView): boolean => status === 'pending' || status === 'processing'

/** Naming the attempt lets the browser keep the file: an address without one means "the newest", which may change. */
export const lastingUrl = (url: string): string => (/[?&]attempt=/.test(url) ? url : `${url}&attempt=1`)
export const downloadUrl = (url: string): string => `${lastingUrl(url)}&download=1`

/** `isRedoing`: a pending task's view doesn't say whether the step just shown is meant, or the one after it. */
export function openStep(task: TaskView, isRedoing: boolean): number {
  if (task.status !== 'pending') return Math.max(1, task.current_step)
  const last = task.steps[task.current_step - 1]
  const isAgain = isRedoing || last?.status === 'failed'
  return Math.min(task.total_steps, Math.max(1, task.current_step + (isAgain ? 0 : 1)))
}

export function chainOf(task: TaskView, start: StartPictures, open: number, { task: words }: Words): ChainItem[] {
  const steps = Array.from({ length: task.total_steps }, (_, index): ChainItem => {
    const url = task.steps[index]?.result_url
    const step = index + 1
    return {
      step,
      name: words.step(step),
      src: url ? lastingUrl(url) : undefined,
      isInTheMaking: isMoving(task) && step === open,
      garment: start.garments[index],
    }
  })
  if (!start.person) return steps
  return [{ step: 0, name: words.start, src: start.person, isInTheMaking: false, garment: undefined }, ...steps]
}

/** The stored pictures of one step's attempts, oldest first: all candidates of each. */
export function attemptsOf(task: TaskView, step: number, { task: words }: Words): ChainItem[] {
  const attempts = task.steps[step - 1]?.attempts ?? []
  return attempts.flatMap(({ attempt, files, chosen_file }) =>
    files.map(({ url }, index): ChainItem => {
      const file = index + 1
      const name = files.length > 1 ? words.candidate(attempt, file) : words.attempt(attempt)
      return {
        ...plain,
        ...{ step, name, src: lastingUrl(url) },
        choice: { attempt, file, isChosen: file === chosen_file },
      }
    }),
  )
}

/** What was asked for with the picture that is chosen, or with the attempt that failed: what a change is said against. */
export function askedWith(task: TaskView, step: number): { change: Record<string, unknown>; candidates: number } {
  const attempts = task.steps[step - 1]?.attempts ?? []
  const { change, candidates } = attempts.find(({ chosen }) => chosen) ?? attempts.at(-1) ?? {}
  return { change: change ?? {}, candidates: candidates ?? 1 }
}
const plain = { isInTheMaking: false, garment: undefined }

/** The newest result, else the start picture. */
export const newestOf = (chain: readonly ChainItem[]): ChainItem | undefined => chain.findLast(({ src }) => src)
