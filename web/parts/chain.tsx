// The start picture and every step's result side by side; a tap shows one large.
import { useWords } from '../settings.tsx'
import type { ChainItem } from '../task-pictures.ts'
import { Thumb } from './thumb.tsx'

interface ChainProps {
  chain: readonly ChainItem[]
  shown: ChainItem | undefined
  onShow: (item: ChainItem) => void
}

export function Chain({ chain, shown, onShow }: ChainProps) {
  const { task } = useWords()
  return (
    <section class="chain" aria-labelledby="chain-title">
      <h2 id="chain-title">{task.chain}</h2>
      <ol>
        {chain.map((item) => (
          <li key={item.step}>
            {item.src ? (
              <button
                type="button"
                class="chain-item"
                aria-label={task.show(item.name)}
                aria-pressed={item === shown}
                onClick={() => onShow(item)}
              >
                <span class={`frame ${item.isInTheMaking ? 'developing' : ''}`}>
                  <Thumb src={item.src} kind={item.kind} />
                </span>
              </button>
            ) : (
              <span class={`frame empty ${item.isInTheMaking ? 'developing' : ''}`}>
                {item.garment && <img class="ahead" src={item.garment} alt="" />}
              </span>
            )}
            <span class="chain-name">
              {item.name}
              {!item.src && <span class="hidden-text">: {item.isInTheMaking ? task.making1 : task.empty}</span>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  )
}
