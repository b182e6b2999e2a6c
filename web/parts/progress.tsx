// How far the task is: a bar for every step, of which the open one fills as time goes by, and since when it has been in the making.
import type { TaskView } from '../client.ts'
import { inWords, useNow } from '../clock.ts'
import { usualSeconds } from '../recipes.ts'
import { useWords } from '../settings.tsx'
import { isMoving } from '../task-pictures.ts'

/** A step that takes this many times as long as usual deserves a word. */
const slowTimes = 3
/** So long a task may stay pending without a word: usually its step has begun by then, and the next look shows it. */
const queuedSeconds = 15

export function Progress({ task, open }: { task: TaskView; open: number }) {
  const words = useWords()
  const moving = isMoving(task)
  const now = useNow(moving)
  const usual = usualSeconds(task.recipe)
  const since = (task.status === 'processing' && task.steps[open - 1]?.submitted_at) || task.updated_at
  // The server's clock is known to a second or two.
  const seconds = Math.max(0, (now - Date.parse(since)) / 1000)
  const isQueued = task.status === 'pending' && seconds > queuedSeconds
  const part = isQueued ? 0 : partOf(seconds, usual)
  return (
    <div class="progress">
      <Bars task={task} open={open} part={part} />
      {moving && (
        <p class="fine since">
          {isQueued ? words.task.queued : words.task.since(inWords(seconds, words), inWords(usual, words))}
        </p>
      )}
      {moving && !isQueued && seconds > usual * slowTimes && <p class="fine">{words.task.slow}</p>}
    </div>
  )
}

/** Nine tenths when it is usually ready; what comes after creeps on towards the end. */
const partOf = (seconds: number, usual: number): number =>
  seconds < usual ? 0.9 * (seconds / usual) : 1 - 0.1 * Math.exp((usual - seconds) / usual)

function Bars({ task, open, part }: { task: TaskView; open: number; part: number }) {
  const words = useWords()
  const moving = isMoving(task)
  const label = words.task.stepOf(open, task.total_steps)
  const bars = Array.from({ length: task.total_steps }, (_, index) => {
    const isOpen = moving && index + 1 === open
    const full = isOpen ? part : task.steps[index]?.result_url ? 1 : 0
    return (
      <span key={index} class={isOpen ? 'open' : ''}>
        <span style={{ transform: `scaleX(${full.toFixed(3)})` }} />
      </span>
    )
  })
  if (!moving)
    return (
      <div class="bars" role="img" aria-label={label}>
        {bars}
      </div>
    )
  return (
    <div class="bars" role="progressbar" aria-label={label} aria-valuenow={Math.round(part * 100)}>
      {bars}
    </div>
  )
}
