// What the three forms share: files become pictures, pictures are sent, the task is started, once.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { StartRequest, StepgateError } from './client.ts'
import { type Remembered, remember } from './memory.ts'
import { persist } from './persist.ts'
import { isUploaded, newId, type Picture, readPicture, UnreadablePicture } from './pictures/picture.ts'
import { uploadAll } from './pictures/upload.ts'
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

/** `content` names what would be sent: as long as it is the same, so is the key, and a retry starts nothing twice. */
export function useSubmit(content: unknown): Submitting {
  const { form } = useWords()
  const [doing, setDoing] = useState<string>()
  const [isRetrying, setRetrying] = useState(false)
  const [error, setError] = useState<StepgateError>()
  const isBusy = useRef(false)
  const leaving = useRef<AbortController>(undefined)
  const key = useRef(newId())
  const text = JSON.stringify(content)
  useEffect(() => {
    key.current = newId()
    setError(undefined)
  }, [text])
  useEffect(() => () => leaving.current?.abort(), [])

  const send = async ({ pictures, request, remembered, onStarted }: Submission, signal: AbortSignal) => {
    const hadEarlier = pictures.some(isUploaded)
    const persistent = <T>(call: () => Promise<T>) =>
      persist(call, { signal, onRetry: () => setRetrying(true) }).finally(() => setRetrying(false))
    const start = async () => {
      await persistent(() => uploadAll(pictures, (done) => setDoing(form.uploading(done, pictures.length))))
      setDoing(form.starting)
      const body = await persistent(async () => request())
      return persistent(() => client.start(body, { idempotencyKey: key.current }))
    }
    const { task_id } = await start().catch((fault) => {
      if (!hadEarlier || asProblem(fault).code !== 'invalid_request') throw fault
      // What was sent for an earlier start may be gone there: uploads are kept for a day.
      for (const picture of pictures) delete picture.uploaded
      return start()
    })
    if (remembered) await remember(task_id, remembered)
    onStarted()
    tellTabs()
    go(taskPath(task_id))
  }
  const submit = (submission: Submission) => {
    if (isBusy.current) return
    isBusy.current = true
    leaving.current = new AbortController()
    const { signal } = leaving.current
    setError(undefined)
    setDoing(form.starting)
    send(submission, signal)
      .catch((fault) => {
        if (signal.aborted) return
        const problem = asProblem(fault)
        // The key belongs to another form's content, of a page that was restored; this one's is new.
        if (problem.code === 'idempotency_mismatch') key.current = newId()
        setError(problem)
      })
      .finally(() => {
        isBusy.current = false
        setDoing(undefined)
      })
  }
  return { doing, isRetrying, error, submit }
}

export interface BadFile {
  name: string
  /** What iPhones write, and few browsers read. */
  isHeic: boolean
}

export interface PictureReader {
  isReading: boolean
  /** Of the files last given. */
  bad: readonly BadFile[]
  read(files: readonly Blob[], take: (pictures: Picture[]) => void): Promise<void>
}

export function usePictureReader(): PictureReader {
  const [reading, setReading] = useState(0)
  const [bad, setBad] = useState<readonly BadFile[]>([])
  const read = async (files: readonly Blob[], take: (pictures: Picture[]) => void) => {
    setReading((count) => count + 1)
    const pictures: Picture[] = []
    const unreadable: BadFile[] = []
    for (const file of files) {
      try {
        pictures.push(await readPicture(file))
      } catch (error) {
        if (!(error instanceof UnreadablePicture)) throw error
        unreadable.push(badFile(file))
      }
    }
    setReading((count) => count - 1)
    setBad(unreadable)
    if (pictures.length > 0) take(pictures)
  }
  return { isReading: reading > 0, bad, read }
}

function badFile(file: Blob): BadFile {
  const name = file instanceof File ? file.name : ''
  return { name: name || '?', isHeic: /hei[cf]$/i.test(name) || /hei[cf]/i.test(file.type) }
}
