// What a person does about what is kept of them: a picture's link for others, a task that goes for good, everything that goes, signing out.
import { useEffect, useState } from 'preact/hooks'
import { hasOwnTokens } from '../app-user.ts'
import type { TaskView } from '../client.ts'
import { changeDraft, dropDraft, dropDrafts } from '../draft.ts'
import { forget, forgetAll } from '../memory.ts'
import { forgetTelling, stopTelling } from '../push.ts'
import { go, historyPath, homePath } from '../route.ts'
import { client, currentUser, leave } from '../session.ts'
import { useWords } from '../settings.tsx'
import type { ChainItem } from '../task-pictures.ts'
import { useDeed } from '../use-deed.ts'
import { asProblem } from '../use-task.ts'
import { tellTabs } from '../wakes.ts'
import { Asked } from './asked.tsx'
import { Drawn } from './icons.tsx'
import { Problem } from './message.tsx'

/** Of a task: its link for others, and its end. */
export function TaskPrivacy({ task, shown }: { task: TaskView; shown: ChainItem | undefined }) {
  const { privacy } = useWords()
  const { isBusy, error, run } = useDeed()
  const remove = async () => {
    await client.delete({ taskId: task.task_id }).catch((fault) => {
      // It is gone already: by a click whose answer was lost, or by another tab's.
      if (asProblem(fault).code !== 'not_found') throw fault
    })
    dropDraft(changeDraft(task.task_id))
    await forget(task.task_id)
    tellTabs()
    go(historyPath)
  }
  return (
    <div class="privacy">
      <div class="actions-more">
        <Share task={task} shown={shown} />
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

function Share({ task: { task_id, steps }, shown }: { task: TaskView; shown: ChainItem | undefined }) {
  const { privacy } = useWords()
  const { isBusy, error, run } = useDeed()
  const [link, setLink] = useState<{ url: string; of: string }>()
  const [isShared, setShared] = useState(false)
  // What is shared is what is seen, where that is a result, and a picture: a page for others shows no clip.
  const newest = steps.findLast(({ files }) => files[0]?.type.startsWith('image/'))
  const isSeen = shown !== undefined && shown.step > 0 && shown.src !== undefined && shown.kind === 'image'
  const step = isSeen ? shown.step : newest?.step
  // Links of an earlier visit, which are only of what was there when this one began.
  const [mayBeShared] = useState(step !== undefined)
  useEffect(() => {
    if (!mayBeShared || currentUser() === undefined) return undefined
    const leaving = new AbortController()
    // Without an answer, only what is shared now can be taken back.
    client.shares(task_id, leaving.signal).then(
      (links) => setShared((isKnown) => isKnown || links.length > 0),
      () => undefined,
    )
    return () => leaving.abort()
  }, [task_id, mayBeShared])
  if (step === undefined) return null
  const { attempt, file } = (isSeen && shown.choice) || {}
  const of = `${step} ${attempt} ${file}`
  const share = async () => {
    const url = await client.share(task_id, { step, ...(attempt && file && { attempt, file }) })
    setLink({ url, of })
    setShared(true)
    // A phone's own way of handing on; a person may close it, and has the link all the same.
    await navigator.share?.({ url }).catch(() => undefined)
  }
  const revoke = async () => {
    await client.unshare(task_id)
    setLink(undefined)
    setShared(false)
  }
  return (
    <div class="share">
      <button type="button" class="button" disabled={isBusy} onClick={() => run(share)}>
        <Drawn name="arrow" />
        {privacy.share}
      </button>
      {isShared && (
        <div role="status">
          {link?.of === of && (
            <label class="fine">
              {privacy.link}
              <input class="link" readOnly value={link.url} onFocus={(event) => event.currentTarget.select()} />
            </label>
          )}
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
    await forgetTelling()
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
  leave()
  dropDrafts()
  await forgetAll()
  tellTabs('left')
  go(homePath)
}
