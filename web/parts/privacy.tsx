// What a person does about what is kept of them: a picture's link for others, a task that goes for good, everything that goes, signing out.
import { useState } from 'preact/hooks'
import type { StepgateError, TaskView } from '../client.ts'
import { dropDrafts } from '../draft.ts'
import { forget, forgetAll } from '../memory.ts'
import { stopTelling } from '../push.ts'
import { go, historyPath } from '../route.ts'
import { client, hasOwnTokens, leave } from '../session.ts'
import { useWords } from '../settings.tsx'
import { asProblem } from '../use-task.ts'
import { Asked } from './asked.tsx'
import { Drawn } from './icons.tsx'
import { Problem } from './message.tsx'

/** Runs one thing at a time, and keeps what went wrong with it. */
function useDeed() {
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

/** Of a task: its link for others, and its end. */
export function TaskPrivacy({ task }: { task: TaskView }) {
  const { privacy } = useWords()
  const { isBusy, error, run } = useDeed()
  // What a page for others shows is a picture, and the newest result may be a clip.
  const pictured = task.steps.findLast(({ files }) => files[0]?.type.startsWith('image/'))
  const remove = async () => {
    await client.delete({ taskId: task.task_id })
    await forget(task.task_id)
    go(historyPath)
  }
  return (
    <div class="privacy">
      <div class="actions-more">
        {pictured && <Share taskId={task.task_id} step={pictured.step} />}
        <Asked
          title={privacy.deleteTitle}
          help={privacy.deleteHelp}
          keep={privacy.keep}
          yes={privacy.deleteYes}
          isBusy={isBusy}
          onYes={() => run(remove)}
        >
          {privacy.delete}
        </Asked>
      </div>
      {error && <Problem error={error} />}
    </div>
  )
}

function Share({ taskId, step }: { taskId: string; step: number }) {
  const { privacy } = useWords()
  const { isBusy, error, run } = useDeed()
  const [url, setUrl] = useState<string>()
  const share = async () => {
    const made = await client.share(taskId, { step })
    setUrl(made)
    // A phone's own way of handing on; a person may close it, and has the link all the same.
    await navigator.share?.({ url: made }).catch(() => undefined)
  }
  const revoke = async () => {
    await client.unshare(taskId)
    setUrl(undefined)
  }
  return (
    <div class="share">
      <button type="button" class="button" disabled={isBusy} onClick={() => run(share)}>
        <Drawn name="arrow" />
        {privacy.share}
      </button>
      {url && (
        <div role="status">
          <label class="fine">
            {privacy.link}
            <input class="link" readOnly value={url} onFocus={(event) => event.currentTarget.select()} />
          </label>
          <button type="button" class="button quiet" disabled={isBusy} onClick={() => run(revoke)}>
            {privacy.revoke}
          </button>
        </div>
      )}
      {error && <Problem error={error} />}
    </div>
  )
}

/** Of the person: signing out, and the end of everything. An app around the page has its own way of signing out. */
export function YourData() {
  const { privacy } = useWords()
  const { isBusy, error, run } = useDeed()
  const removeAll = async () => {
    await client.deleteEverything.confirm(await client.deleteEverything.ask())
    await end()
  }
  const signOut = async () => {
    await stopTelling()
    await client.endSession()
    await end()
  }
  return (
    <section class="privacy" aria-labelledby="privacy-title">
      <h2 id="privacy-title">{privacy.title}</h2>
      <p class="fine">{privacy.lead}</p>
      <div class="actions-more">
        {!hasOwnTokens && (
          <Asked
            title={privacy.signOutTitle}
            help={privacy.signOutHelp}
            keep={privacy.keep}
            yes={privacy.signOut}
            isBusy={isBusy}
            onYes={() => run(signOut)}
          >
            {privacy.signOut}
          </Asked>
        )}
        <Asked
          title={privacy.allTitle}
          help={privacy.allHelp}
          keep={privacy.keep}
          yes={privacy.allYes}
          isBusy={isBusy}
          onYes={() => run(removeAll)}
        >
          {privacy.all}
        </Asked>
      </div>
      {error && <Problem error={error} />}
    </section>
  )
}

async function end(): Promise<void> {
  dropDrafts()
  await forgetAll()
  leave()
  go('#/')
}
