// A button for what can't be undone: it asks once, in a dialog, before anything is done. Stopping, deleting and signing out use it.
import type { ComponentChildren } from 'preact'
import { useRef } from 'preact/hooks'

interface AskedProps {
  title: string
  help: string
  /** The dialog's two answers. The first only closes it. */
  keep: string
  yes: string
  isBusy: boolean
  /** Something else is under way. */
  isDisabled?: boolean
  onYes(): void
  children: ComponentChildren
}

export function Asked({ title, help, keep, yes, isBusy, isDisabled = isBusy, onYes, children }: AskedProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const close = () => dialog.current?.close()
  return (
    <>
      <button
        type="button"
        class={`button ${isBusy ? 'busy' : ''}`}
        disabled={isDisabled}
        onClick={() => dialog.current?.showModal()}
      >
        {children}
      </button>
      <dialog ref={dialog} class="dialog" aria-label={title}>
        <h2>{title}</h2>
        <p>{help}</p>
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={close}>
            {keep}
          </button>
          <button
            type="button"
            class="button danger"
            onClick={() => {
              close()
              onYes()
            }}
          >
            {yes}
          </button>
        </div>
      </dialog>
    </>
  )
}
