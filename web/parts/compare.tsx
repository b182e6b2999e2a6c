// Two pictures over each other and a line to draw between them: with a finger, a pointer, or the arrow keys.
import { useState } from 'preact/hooks'
import { useWords } from '../settings.tsx'
import { Photo } from './photo.tsx'

interface CompareProps {
  before: { src: string; name: string }
  after: { src: string; name: string }
}

export function Compare({ before, after }: CompareProps) {
  const { task } = useWords()
  const [cut, setCut] = useState(50)
  return (
    <div class="compare" style={{ '--cut': `${cut}%` }}>
      <Photo key={after.src} src={after.src} alt={task.pictureOf(after.name)} />
      <div class="compare-before">
        <Photo key={before.src} src={before.src} alt={task.pictureOf(before.name)} />
      </div>
      <span class="tag before" aria-hidden="true">
        {task.before}
      </span>
      <span class="tag after" aria-hidden="true">
        {task.after}
      </span>
      <input
        type="range"
        min="0"
        max="100"
        value={cut}
        aria-label={task.slider}
        onInput={({ currentTarget }) => setCut(currentTarget.valueAsNumber)}
      />
      <span class="compare-line" aria-hidden="true" />
    </div>
  )
}
