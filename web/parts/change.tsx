// Says what shall be different, and makes the step again so: words where the recipe takes some, and how many pictures to choose from. What is
// there already stays.
import { useRef, useState } from 'preact/hooks'
import type { TaskView } from '../client.ts'
import { useWords } from '../settings.tsx'
import { askedWith } from '../task-pictures.ts'
import type { FollowedTask } from '../use-task.ts'
import { Drawn } from './icons.tsx'

/** In which field of its change a recipe takes words, and how many pictures it makes at once. */
const takes: Readonly<Record<string, { words?: string; candidates?: number }>> = {
  'try-on': { words: 'prompt_hints' },
  'try-on-idm': { words: 'prompt_hints' },
  edit: { words: 'prompt' },
  portraits: { words: 'prompt', candidates: 4 },
  memes: { candidates: 4 },
}
const longest = 500

export function Change({ task, followed }: { task: TaskView; followed: FollowedTask }) {
  const { task: words } = useWords()
  const dialog = useRef<HTMLDialogElement>(null)
  const { words: field, candidates: most = 1 } = takes[task.recipe] ?? {}
  const asked = askedWith(task, Math.max(1, task.current_step))
  const before = field ? String(asked.change[field] ?? '') : ''
  const [text, setText] = useState<string>()
  const [count, setCount] = useState<number>()
  if (!field && most === 1) return null
  const written = (text ?? before).trim()
  const isFilled = !field || written !== ''
  const send = () => {
    dialog.current?.close()
    followed.act('redo', {
      ...(field && { change: { ...asked.change, [field]: written } }),
      ...(most > 1 && { candidates: count ?? asked.candidates }),
    })
  }
  return (
    <>
      <button
        type="button"
        class="button"
        disabled={followed.busy !== undefined}
        onClick={() => dialog.current?.showModal()}
      >
        <Drawn name="image" />
        {words.sayWhat}
      </button>
      <dialog ref={dialog} class="dialog" aria-labelledby="change-title">
        <h2 id="change-title">{words.changeTitle}</h2>
        <p>{words.changeHint}</p>
        {field && (
          <label class="labelled">
            <span>{words.changeLabel}</span>
            <textarea
              class="field"
              rows={3}
              maxLength={longest}
              value={text ?? before}
              onInput={({ currentTarget }) => setText(currentTarget.value)}
            />
          </label>
        )}
        {most > 1 && (
          <label class="labelled">
            <span>{words.candidatesLabel}</span>
            <select
              class="field"
              value={String(count ?? asked.candidates)}
              onChange={({ currentTarget }) => setCount(Number(currentTarget.value))}
            >
              {Array.from({ length: most }, (_, index) => (
                <option key={index} value={String(index + 1)}>
                  {index + 1}
                </option>
              ))}
            </select>
          </label>
        )}
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            {words.back}
          </button>
          <button type="button" class="button primary" disabled={!isFilled} onClick={send}>
            {words.changeGo}
          </button>
        </div>
      </dialog>
    </>
  )
}
