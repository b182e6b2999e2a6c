// What a step that was made again had made before, beside its newest picture; a tap shows one large.
import { useWords } from '../settings.tsx'
import type { ChainItem } from '../task-pictures.ts'
import { Photo } from './photo.tsx'

interface AttemptsProps {
  attempts: readonly ChainItem[]
  shown: ChainItem | undefined
  onShow: (src: string) => void
}

export function Attempts({ attempts, shown, onShow }: AttemptsProps) {
  const { task } = useWords()
  return (
    <section class="attempts" aria-label={task.attempts}>
      <ol>
        {attempts.map(({ src, name }) => (
          <li key={src}>
            <button
              type="button"
              class="chain-item"
              aria-label={task.show(name)}
              aria-pressed={src === shown?.src}
              onClick={() => src && onShow(src)}
            >
              <span class="frame">{src && <Photo src={src} alt={task.pictureOf(name)} />}</span>
            </button>
            <span class="chain-name">{name}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}
