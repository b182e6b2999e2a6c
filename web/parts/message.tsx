// Saying what went wrong and what to do, in a person's words.
import type { ComponentChildren } from 'preact'
import type { StepgateError } from '../client.ts'
import { historyPath, taskPath } from '../route.ts'
import { useWords } from '../settings.tsx'
import { useNews } from '../use-title.ts'
import { Drawn } from './icons.tsx'

interface MessageProps {
  kind: 'problem' | 'notice'
  title: string
  children?: ComponentChildren
}

export function Message({ kind, title, children }: MessageProps) {
  return (
    <div class={`message ${kind}`} role={kind === 'problem' ? 'alert' : 'status'}>
      <Drawn name={kind === 'problem' ? 'alert' : 'clock'} />
      <div>
        <p class="message-title">{title}</p>
        {children && <div class="message-more">{children}</div>}
      </div>
    </div>
  )
}

export function Problem({ error }: { error: StepgateError }) {
  const words = useWords()
  const [happened, help] = words.problems[error.code] ?? words.problems.unexpected
  return (
    <Message kind="problem" title={happened}>
      <p>{help}</p>
      {error.errors.length > 0 && (
        <p class="fine">{error.errors.map(({ path, message }) => `${path}: ${message}`).join('; ')}</p>
      )}
      {error.taskId && <a href={taskPath(error.taskId)}>{words.history.open(words.history.status.processing)}</a>}
    </Message>
  )
}

/** In place of a view that can't be shown. */
export function ProblemPage({ error }: { error: StepgateError }) {
  const words = useWords()
  const [happened, help] = words.problems[error.code] ?? words.problems.unexpected
  const heading = useNews(happened)
  return (
    <header class="lead">
      <h1 ref={heading} tabIndex={-1}>
        {happened}
      </h1>
      <p>{help}</p>
      <p class="ways">
        <a class="button" href="#/">
          {words.frame.home}
        </a>
        <a class="button" href={historyPath}>
          {words.frame.history}
        </a>
      </p>
    </header>
  )
}
