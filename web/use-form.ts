// What the three forms share: files become pictures, pictures are sent, the task is started, once.
import { useEffect, useRef, useState } from 'preact/hooks'
import { sameUser } from './app-user.ts'
import type { ErrorCode, StartRequest, StepgateError } from './client.ts'
import { dropDraft, putDraft, readDraft } from './draft.ts'
import { type Remembered, remember } from './memory.ts'
import { persist } from './persist.ts'
import { isUploaded, newId, type Picture, readPicture, UnreadablePicture } from './pictures/picture.ts'
import { forgetUploads, uploadAll } from './pictures/upload.ts'
import { go, taskPath } from './route.ts'
import { client } from './session.ts'
import { useWords } from './settings.tsx'
import { asProblem } from './use-task.ts'
import { tellTabs } from './wakes.ts'

export interface Submission {
  pictures: Picture[]
  /** Called once all of them are uploaded; may do further work of its own. */
  request: () => StartRequest | Promise<StartRequest>
  remembered?: Remembered
  onStarted: () => void
}

export interface Submitting {
  /** What is being done now, or undefined. */
  doing: string | undefined
  isRetrying: boolean
  error: StepgateError | undefined
  submit(submission: Submission): void
}

/** What a form has sent last without an answer that its task was started. Kept beside its draft, and as long. */
interface Sent {
  content: string
  key: string
  body: StartRequest
}

/**
 * `form` is the name of its draft, `content` names what would be sent: as long as it is the same, so are key and request, and neither a
 * retry nor a reload starts anything twice.
 */
export function useSubmit(form: string, content: unknown): Submitting {
  const { form: words } = useWords()
  const [doing, setDoing] = useState<string>()
  const [isRetrying, setRetrying] = useState(false)
  const [error, setError] = useState<StepgateError>()
  const isBusy = useRef(false)
  const leaving = useRef<AbortController>(undefined)
  const sentName = `${form}, sent`
  const text = JSON.stringify(content)
  useEffect(() => setError(undefined), [text])
  useEffect(() => () => leaving.current?.abort(), [])

  const send = async (submission: Submission, signal: AbortSignal) => {
    const { pictures, remembered, onStarted } = submission
    const taskId = await startOnce(sentName, text, submission, {
      retrying: (call) => persist(call, { signal, onRetry: () => setRetrying(true) }).finally(() => setRetrying(false)),
      onUploaded: (done) => setDoing(words.uploading(done, pictures.length)),
      onAllUploaded: () => setDoing(words.starting),
    })
    if (remembered) await remember(taskId, remembered)
    onStarted()
    tellTabs()
    go(taskPath(taskId))
  }
  const submit = (submission: Submission) => {
    if (isBusy.current) return
    isBusy.current = true
    leaving.current = new AbortController()
    const { signal } = leaving.current
    setError(undefined)
    setDoing(words.starting)
    send(submission, signal)
      .catch((fault) => {
        if (signal.aborted) return
        const problem = asProblem(fault)
        // The key belongs to another request, of an earlier version of the page; the next one's is new.
        if (problem.code === 'idempotency_mismatch') dropDraft(sentName)
        setError(problem)
      })
      .finally(() => {
        isBusy.current = false
        setDoing(undefined)
      })
  }
  return { doing, isRetrying, error, submit }
}

interface Progress {
  /** Repeats the call while the net fails. */
  retrying<T>(call: () => Promise<T>): Promise<T>
  onUploaded(done: number): void
  onAllUploaded(): void
}

/** What a start is refused with where a picture of it is gone. */
const goneCodes: readonly ErrorCode[] = ['invalid_request', 'not_found', 'not_choosable']

/** Sends again what was sent last, where the content is the same; else uploads the pictures, and sends a new request. Gives the task's id. */
async function startOnce(
  sentName: string,
  content: string,
  { pictures, request }: Submission,
  { retrying, onUploaded, onAllUploaded }: Progress,
): Promise<string> {
  const earlier = await retrying(() => readDraft<Sent>(sentName))
  const requireSame = sameUser()
  const persistent = <T>(call: () => Promise<T>) =>
    retrying(() => {
      requireSame()
      return call()
    })
  const hadEarlier = earlier !== undefined || pictures.some(isUploaded)
  const prepare = async (): Promise<Sent> => {
    const uploaded = (done: number) => {
      requireSame()
      onUploaded(done)
    }
    await persistent(() => uploadAll(pictures, uploaded))
    onAllUploaded()
    const sent = { content, key: newId(), body: await persistent(async () => request()) }
    requireSame()
    await putDraft(sentName, sent)
    return sent
  }
  const start = ({ body, key }: Sent) => persistent(() => client.start(body, { idempotencyKey: key }))
  const { task_id } = await start(earlier?.content === content ? earlier : await prepare()).catch(async (fault) => {
    if (!hadEarlier || !goneCodes.includes(asProblem(fault).code)) throw fault
    // What was sent for an earlier start may be gone there: uploads are kept for a day, a result as long as its task.
    forgetUploads(pictures)
    return start(await prepare())
  })
  requireSame()
  dropDraft(sentName)
  return task_id
}

export interface BadFile {
  name: string
  /** What iPhones write, and few browsers read. */
  isHeic: boolean
}

/** Chosen ones are there; a sample is still to be fetched. */
export type Files = readonly Blob[] | Promise<readonly Blob[]>

export interface PictureReader {
  /** Nothing is started meanwhile: it would go without the pictures that are still to come. */
  isReading: boolean
  /** Of the files last given. */
  bad: readonly BadFile[]
  /** The sample last tapped didn't come. */
  isMissing: boolean
  read(files: Files, take: (pictures: Picture[]) => void): Promise<void>
}

/** `onReading` is told of each read's begin and end: a form of several readers counts them. */
export function usePictureReader(onReading?: (more: 1 | -1) => void): PictureReader {
  const [reading, setReading] = useState(0)
  const [bad, setBad] = useState<readonly BadFile[]>([])
  const [isMissing, setMissing] = useState(false)
  const before = useRef<Promise<void>>(undefined)
  const readNow = async (files: Files, take: (pictures: Picture[]) => void) => {
    const pictures: Picture[] = []
    const unreadable: BadFile[] = []
    const given = await Promise.resolve(files).catch((fault) => console.warn('The sample did not come:', fault))
    setMissing(!given)
    for (const file of given ?? []) {
      try {
        pictures.push(await readPicture(file))
      } catch (error) {
        if (!(error instanceof UnreadablePicture)) throw error
        unreadable.push(badFile(file))
      }
    }
    setBad(unreadable)
    if (pictures.length > 0) take(pictures)
  }
  // One after the other: of two photos of one person, the one chosen last stays.
  const count = (more: 1 | -1) => {
    setReading((reads) => reads + more)
    onReading?.(more)
  }
  const read = (files: Files, take: (pictures: Picture[]) => void) => {
    count(1)
    const reading = Promise.resolve(before.current)
      .then(() => readNow(files, take))
      .finally(() => count(-1))
    before.current = reading.catch(() => undefined)
    return reading
  }
  return { isReading: reading > 0, bad, isMissing, read }
}

function badFile(file: Blob): BadFile {
  const name = file instanceof File ? file.name : ''
  return { name: name || '?', isHeic: /hei[cf]$/i.test(name) || /hei[cf]/i.test(file.type) }
}
