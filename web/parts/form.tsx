// What the forms share beside their end: the frame that no text field sends off, messages that stand in view, and where the focus goes.
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { useWords } from '../settings.tsx'
import type { BadFile } from '../use-form.ts'
import { Message } from './message.tsx'

interface FormProps {
  class?: string
  onSubmit: () => void
  children: ComponentChildren
}

/** A list of choices has no state of its own that says so. */
const lackingControl = '[aria-invalid="true"], [data-lacking] input, [data-lacking] a'

/** Started by its button alone: Enter in a field is how a phone's keyboard is put away, and a start is paid. */
export function Form({ class: kind = '', onSubmit, children }: FormProps) {
  const [tries, setTries] = useState(0)
  const element = useRef<HTMLFormElement>(null)
  // After a start that lacks something the focus is where the first of it is to be given, and the words about it are in view.
  useEffect(() => {
    const lacking = tries > 0 && element.current?.querySelector<HTMLElement>(lackingControl)
    if (!lacking) return
    lacking.focus({ preventScroll: true })
    const messages = [...(element.current?.querySelectorAll('.message.problem') ?? [])]
    const isAfter = (message: Element) => lacking.compareDocumentPosition(message) & Node.DOCUMENT_POSITION_FOLLOWING
    messages.find(isAfter)?.scrollIntoView({ block: 'center' })
  }, [tries])
  return (
    <form
      ref={element}
      class={`form ${kind}`}
      noValidate
      onKeyDown={(event) => {
        const { target, key } = event
        if (key === 'Enter' && target instanceof HTMLInputElement && target.type !== 'file') event.preventDefault()
      }}
      onSubmit={(event) => {
        event.preventDefault()
        setTries((count) => count + 1)
        onSubmit()
      }}
    >
      {children}
    </form>
  )
}

/** Brings itself into view whenever `of` changes. */
export function InView({ of, children }: { of: unknown; children: ComponentChildren }) {
  const element = useRef<HTMLDivElement>(null)
  useEffect(() => element.current?.scrollIntoView({ block: 'nearest' }), [of])
  return <div ref={element}>{children}</div>
}

interface ShortcomingsProps {
  bad?: readonly BadFile[]
  /** A sample that was tapped didn't come. */
  isMissing?: boolean
  /** What Start needs here, after it was pressed without. */
  lack?: string | undefined
}

/** Under what is to be given: each file that can't be used and what to do, else what is still missing. */
export function Shortcomings({ bad = [], isMissing = false, lack }: ShortcomingsProps) {
  const { task } = useWords()
  if (bad.length > 0) return <BadFiles files={bad} />
  const title = isMissing ? task.pictureFailed : lack
  return title ? <Message kind="problem" title={title} /> : null
}

function BadFiles({ files }: { files: readonly BadFile[] }) {
  const { form } = useWords()
  const isAnyHeic = files.some(({ isHeic }) => isHeic)
  return (
    <InView of={files}>
      <Message kind="problem" title={files.map(({ name }) => form.unreadable(name)).join(' ')}>
        <p>{isAnyHeic ? form.heicHelp : form.unreadableHelp}</p>
      </Message>
    </InView>
  )
}

/** After a removal the focus goes to the next button that removes, else to what the container offers first. */
export function useFocusAfterRemoval<T extends HTMLElement>() {
  const container = useRef<T>(null)
  const removed = useRef<number>(undefined)
  useLayoutEffect(() => {
    if (removed.current === undefined || !container.current) return
    const left = [...container.current.querySelectorAll<HTMLElement>('[data-remove]')]
    const next = left[Math.min(removed.current, left.length - 1)]
    removed.current = undefined
    const target = next ?? container.current.querySelector<HTMLElement>('input, button')
    target?.focus()
  })
  return {
    container,
    onRemoved: (index: number) => {
      removed.current = index
    },
  }
}
