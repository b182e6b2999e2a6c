// From a task view to what is shown of it: the chain of results, what each is to be shown as, and which step is meant. Pure.
import type { OutputKind } from '../core/recipe.ts'
import type { TaskView } from './client.ts'
import type { Words } from './words/en.ts'

export interface ChainItem {
  /** 0 for the start picture. */
  step: number
  name: string
  /** Absent as long as it isn't made. */
  src: string | undefined
  kind: OutputKind
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
const lastingUrl = (url: string): string => (/[?&]attempt=/.test(url) ? url : `${url}&attempt=1`)
export const downloadUrl = (url: string): string => `${lastingUrl(url)}&download=1`

/** As what a file of this MIME type is shown. */
function kindOf(type: string): OutputKind {
  const family = type.replace(/\/.*$/, '')
  return family === 'image' || family === 'video' || family === 'audio' ? family : 'file'
}

/** A stored file, by its address. */
function fileAt({ steps }: TaskView, url: string) {
  const stored = steps.flatMap(({ files, attempts }) => [...files, ...attempts.flatMap((one) => one.files)])
  return stored.find((one) => lastingUrl(one.url) === lastingUrl(url))
}

function kindAt(task: TaskView, url: string): OutputKind {
  const file = fileAt(task, url)
  return file ? kindOf(file.type) : 'image'
}

/** What a stored file is saved as. */
export const nameAt = (task: TaskView, url: string): string => fileAt(task, url)?.name ?? 'result'

/** The picture that a step's result was made of: the result before it, or the start picture. */
export function stillOf(chain: readonly ChainItem[], step: number): string | undefined {
  const sources = [step - 1, 0].map((wanted) => chain.find((item) => item.step === wanted))
  return sources.find((item) => item?.src && item.kind === 'image')?.src
}

/** A task at small: its newest result, and of a clip the picture that it was made of, where that is stored. */
export function coverOf(task: TaskView): { src: string; kind: OutputKind; still: string | undefined } | undefined {
  const url = task.result_url ?? task.intermediate_result
  if (!url) return undefined
  const src = lastingUrl(url)
  const made = task.steps.findIndex(({ result_url }) => result_url && lastingUrl(result_url) === src)
  const still = task.steps[made - 1]?.result_url
  return {
    src,
    kind: kindAt(task, url),
    still: still && kindAt(task, still) === 'image' ? lastingUrl(still) : undefined,
  }
}

/** `isRedoing`: a pending task's view doesn't say whether the step just shown is meant, or the one after it. */
export function openStep(task: TaskView, isRedoing: boolean): number {
  if (task.status !== 'pending') return Math.max(1, task.current_step)
  const last = task.steps[task.current_step - 1]
  const isAgain = isRedoing || last?.status === 'failed'
  return Math.min(task.total_steps, Math.max(1, task.current_step + (isAgain ? 0 : 1)))
}

/** Of the pieces that a task was started with, those after this step: none where all were put on in one. */
export const stillToCome = <T>({ total_steps }: TaskView, step: number, pieces: readonly T[]): readonly T[] =>
  pieces.length === total_steps ? pieces.slice(step) : []

export function chainOf(task: TaskView, start: StartPictures, open: number, { task: words }: Words): ChainItem[] {
  const steps = Array.from({ length: task.total_steps }, (_, index): ChainItem => {
    const url = task.steps[index]?.result_url
    const step = index + 1
    return {
      step,
      name: words.step(step),
      src: url ? lastingUrl(url) : undefined,
      kind: url ? kindAt(task, url) : 'image',
      isInTheMaking: isMoving(task) && step === open,
      garment: start.garments[index],
    }
  })
  if (!start.person) return steps
  return [{ step: 0, name: words.start, src: start.person, kind: 'image', ...plain }, ...steps]
}

/** The stored pictures of one step's attempts, oldest first: all candidates of each. */
export function attemptsOf(task: TaskView, step: number, { task: words }: Words): ChainItem[] {
  const attempts = task.steps[step - 1]?.attempts ?? []
  return attempts.flatMap(({ attempt, files, chosen_file }) =>
    files.map(({ url, type }, index): ChainItem => {
      const file = index + 1
      const name = files.length > 1 ? words.candidate(attempt, file) : words.attempt(attempt)
      return {
        ...plain,
        ...{ step, name, src: lastingUrl(url), kind: kindOf(type) },
        choice: { attempt, file, isChosen: file === chosen_file },
      }
    }),
  )
}

/** What it costs to make the step in hand again, to go on to the next, and to the end; undefined where it is not known. */
export function pricesOf({ cost, current_step }: TaskView) {
  const known = (cost.steps_micros ?? []).map((micros) => micros ?? undefined)
  const after = known.slice(current_step)
  const rest = after.reduce((sum = Number.NaN, micros = Number.NaN) => sum + micros, 0)
  return { redo: known[Math.max(1, current_step) - 1], next: after[0], rest: rest || undefined }
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
