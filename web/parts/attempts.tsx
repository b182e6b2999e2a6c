// The contact sheet of a step: everything that was made for it, redone or as one of several. A tap shows one large; the chosen one is marked.
import { useWords } from '../settings.tsx'
import type { ChainItem } from '../task-pictures.ts'
import { Drawn } from './icons.tsx'
import { Thumb } from './thumb.tsx'

interface AttemptsProps {
  attempts: readonly ChainItem[]
  shown: ChainItem | undefined
  /** The task has other steps, too. */
  isOfMany: boolean
  onShow: (src: string) => void
}

export function Attempts({ attempts, shown, isOfMany, onShow }: AttemptsProps) {
  const { task } = useWords()
  const step = attempts[0]?.step ?? 1
  return (
    <section class="attempts" aria-label={task.attempts(step)}>
      {isOfMany && <p class="fine">{task.attempts(step)}</p>}
      <ol>
        {attempts.map(({ src, kind, name, choice }) => (
          <li key={src}>
            <button
              type="button"
              class="chain-item"
              aria-label={choice?.isChosen ? `${task.show(name)} (${task.isChosen})` : task.show(name)}
              aria-pressed={src === shown?.src}
              onClick={() => src && onShow(src)}
            >
              <span class="frame">
                {src && <Thumb src={src} kind={kind} />}
                {choice?.isChosen && (
                  <span class="mark">
                    <Drawn name="check" />
                  </span>
                )}
              </span>
            </button>
            <span class="chain-name">{name}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}
