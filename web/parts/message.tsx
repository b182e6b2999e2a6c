// Saying what went wrong and what to do, in a person's words.
import type { ComponentChildren } from 'preact'
import type { FieldError } from '../../core/errors.ts'
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
      {error.errors.length > 0 && <Fields errors={error.errors} />}
      {error.taskId && <a href={taskPath(error.taskId)}>{words.history.open(words.history.status.processing)}</a>}
    </Message>
  )
}

/** Which fields of the form are meant, in the page's words; and what the server said of each, which it says in English to everybody. */
function Fields({ errors }: Pick<StepgateError, 'errors'>) {
  const { fields, form } = useWords()
  const named = [...new Set(errors.map(nameIn).filter((name) => name !== undefined))]
  return (
    <>
      {named.length > 0 && <p>{form.notRight(named.map((name) => fields.nameOf(name)).join(', '))}</p>}
      <details class="fine">
        <summary>{form.serverSays}</summary>
        <span lang="en">{errors.map(({ path, message }) => `${path}: ${message}`).join('; ')}</span>
      </details>
    </>
  )
}

/** `garments.0.image` is one of the garments; what a change gets wrong is named in it, or at the beginning of the message. */
function nameIn({ path, message }: FieldError): string | undefined {
  const [name, ofChange] = path.split('.')
  return (name === 'change' ? (ofChange ?? /^(\w+):/.exec(message)?.[1]) : name) || undefined
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
