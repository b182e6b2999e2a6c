// One task, followed and moved: what the task view knows and can do. It promises that a click does its thing once, however often it is
// clicked and however the net behaves, and that other tabs show the same.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type ErrorCode, StepgateError, type TaskView, type Trouble } from './client.ts'
import { changeDraft, dropDraft } from './draft.ts'
import { persist } from './persist.ts'
import { client } from './session.ts'
import { isHidden, onToldByTab, onWake, tellTabs } from './wakes.ts'

export type Deed = 'continue' | 'all' | 'choose' | 'redo' | 'cancel'

/** What goes with it. */
export interface Wish {
  /** The picture that is meant, where another than the chosen one is in sight. */
  choice?: { attempt: number; file: number } | undefined
  /** Made when it is sent, again for each try: its pictures are uploaded first. */
  change?: (() => Promise<Record<string, unknown>>) | undefined
  candidates?: number | undefined
}

export interface FollowedTask {
  task: TaskView | undefined
  /** What can't be got over by waiting. */
  error: StepgateError | undefined
  trouble: Trouble | undefined
  /** Under way; nothing else can be clicked meanwhile. */
  busy: Deed | undefined
  isRetrying: boolean
  /** The last thing done here was a redo, and its picture isn't there yet. */
  isRedoing: boolean
  act(deed: Deed, wish?: Wish): void
}

export function useTask(taskId: string): FollowedTask {
  const [task, setTask] = useState<TaskView>()
  const [error, setError] = useState<StepgateError>()
  const [trouble, setTrouble] = useState<Trouble>()
  const following = useRef<AbortController>(undefined)
  /** A watch ends with the task, and with an error that waiting alone doesn't mend: a network's sign-in page, for one. */
  const hasEnded = useRef(false)

  const follow = useCallback(
    async (seen?: TaskView) => {
      following.current?.abort()
      following.current = new AbortController()
      const { signal } = following.current
      hasEnded.current = seen?.poll_after_ms === null
      setTrouble(undefined)
      if (hasEnded.current) return
      const watched = client.watch(taskId, { ...(seen && { seen }), signal, isHidden, onTrouble: setTrouble, onWake })
      try {
        for await (const view of watched) {
          if (signal.aborted) return
          setError(undefined)
          setTask(view)
        }
      } catch (fault) {
        if (signal.aborted) return
        const problem = asProblem(fault)
        setError(problem)
        // Deleted elsewhere: nothing of it is shown any more.
        if (problem.code === 'not_found') setTask(undefined)
      }
      if (!signal.aborted) hasEnded.current = true
    },
    [taskId],
  )
  useEffect(() => {
    setTask(undefined)
    setError(undefined)
    void follow()
    // A watch that has ended would miss another tab's redo, and what a chat or another device did meanwhile.
    const unsubscribe = onToldByTab(() => void follow())
    const stopWaking = onWake(() => hasEnded.current && void follow())
    return () => {
      following.current?.abort()
      unsubscribe()
      stopWaking()
    }
  }, [follow])

  const deeds = useDeeds(task, (view) => {
    setError(undefined)
    // The answer to a click may have been longer on its way than the watch's next one.
    setTask((known) => (known && view && known.updated_at > view.updated_at ? known : view))
    void follow(view)
  })
  return { ...deeds, task, error: error ?? deeds.error, trouble }
}

/** `onMoved` is told `undefined` of a task that is gone. */
function useDeeds(task: TaskView | undefined, onMoved: (view: TaskView | undefined) => void) {
  const [busy, setBusy] = useState<Deed>()
  const [isRetrying, setRetrying] = useState(false)
  const [isRedoing, setRedoing] = useState(false)
  const [error, setError] = useState<StepgateError>()
  const isBusy = useRef(false)
  const leaving = useRef<AbortController>(undefined)
  useEffect(() => () => leaving.current?.abort(), [])
  const isAtGate = task?.status === 'waiting_continue'
  useEffect(() => {
    if (isAtGate) setRedoing(false)
  }, [isAtGate])
  const act = (deed: Deed, wish: Wish = {}) => {
    // The state above disables buttons at the next drawing only; a second click can be faster.
    if (!task || isBusy.current) return
    isBusy.current = true
    setBusy(deed)
    setError(undefined)
    leaving.current = new AbortController()
    const { signal } = leaving.current
    persist(() => call(deed, task, wish), { signal, onRetry: () => setRetrying(true) })
      .then((view) => {
        tellTabs()
        // The step has gone on from what was said of it.
        if (deed !== 'choose') dropDraft(changeDraft(task.task_id))
        // Who has left is shown nothing, and nothing is watched for them.
        if (signal.aborted) return
        setRedoing(deed === 'redo')
        onMoved(view)
      })
      .catch(async (fault) => {
        if (signal.aborted) return
        const problem = asProblem(fault)
        setError(problem)
        const now = await lookAfter(problem, task)
        if (now && !signal.aborted) onMoved(now.view)
      })
      .finally(() => {
        isBusy.current = false
        setRetrying(false)
        setBusy(undefined)
      })
  }
  return { act, busy, isRetrying, isRedoing, error }
}

/** Each names what was seen, so that a repetition after a lost answer, or a stale page, moves and costs nothing. */
async function call(deed: Deed, { task_id, current_step, steps }: TaskView, wish: Wish): Promise<TaskView> {
  const { choice, change, candidates } = wish
  if (deed === 'cancel') return client.cancel(task_id)
  if (deed === 'choose' && choice) return client.choose(task_id, { step: current_step, ...choice })
  const step = current_step > 0 ? { step: current_step } : {}
  if (deed !== 'redo') return client.continue(task_id, { ...step, ...choice, all: deed === 'all' })
  const attempt = steps[current_step - 1]?.attempt
  const seen = { ...step, ...(attempt !== undefined && { attempt }) }
  return client.redo(task_id, { ...seen, change: await change?.(), candidates })
}

const staleCodes: readonly ErrorCode[] = ['not_waiting', 'already_finished', 'not_found']

/** The task as it is, where the refusal says that it is another than was shown here, or none. Without an answer, the watch shows it later. */
async function lookAfter({ code }: StepgateError, { task_id }: TaskView): Promise<{ view?: TaskView } | undefined> {
  if (!staleCodes.includes(code)) return undefined
  return client.status(task_id).then(
    (view) => ({ view }),
    (fault) => (asProblem(fault).code === 'not_found' ? {} : undefined),
  )
}

export function asProblem(fault: unknown): StepgateError {
  if (fault instanceof StepgateError) return fault
  console.error(fault)
  return new StepgateError({ status: 0, code: 'unexpected', detail: String(fault), cause: fault })
}
