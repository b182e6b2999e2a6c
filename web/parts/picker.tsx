// Taking pictures in: from files, the camera, a drop or the clipboard. Whoever uses it decides what becomes of the files.

import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

/** A camera is worth a button only where one is in the hand. */
export const hasTouch = navigator.maxTouchPoints > 0

interface FileButtonProps {
  label: ComponentChildren
  onFiles: (files: File[]) => void
  accept?: string
  capture?: 'user' | 'environment'
  multiple?: boolean
  /** Start was pressed without a file. */
  isLacking?: boolean
  class?: string
}

/** A file input that looks like a button and is one to keyboards and screen readers. */
export function FileButton({
  label,
  onFiles,
  accept = 'image/*',
  capture,
  multiple = false,
  isLacking = false,
  ...rest
}: FileButtonProps) {
  return (
    <label class={`button file-button ${rest.class ?? ''}`}>
      <input
        class="hidden-input"
        type="file"
        accept={accept}
        multiple={multiple}
        aria-invalid={isLacking}
        {...(capture && { capture })}
        onChange={({ currentTarget }) => {
          onFiles([...(currentTarget.files ?? [])])
          // The same file chosen again is a change again.
          currentTarget.value = ''
        }}
      />
      {label}
    </label>
  )
}

interface DropProps {
  onFiles: (files: File[]) => void
  class?: string
  children: ComponentChildren
}

export function Drop({ onFiles, children, ...rest }: DropProps) {
  const [isOver, setOver] = useState(false)
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is for pointers; the buttons inside are for everybody.
    <div
      class={`drop ${rest.class ?? ''} ${isOver ? 'over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setOver(false)
        const files = [...(event.dataTransfer?.files ?? [])]
        if (files.length > 0) onFiles(files)
      }}
    >
      {children}
    </div>
  )
}

type Take = (files: File[]) => void

/** Who takes files that are pasted, or dropped beside every box: of the form in sight, at most one. */
let taker: { current: Take } | undefined

/** `onFiles` decides where they belong. Without one, nobody here takes any. */
export function useLooseFiles(onFiles: Take | undefined): void {
  const own = useRef<Take>(() => {})
  if (onFiles) own.current = onFiles
  const isTaker = onFiles !== undefined
  useEffect(() => {
    if (!isTaker) return undefined
    taker = own
    return () => {
      if (taker === own) taker = undefined
    }
  }, [isTaker])
}

/** A browser would leave the page for a file that is dropped on it. Call it once. */
export function catchLooseFiles(): void {
  document.addEventListener('paste', ({ clipboardData, target }) => {
    // A word processor puts a picture of the text beside it.
    const isWriting = target instanceof HTMLElement && target.matches('input, textarea')
    if (isWriting && clipboardData?.types.includes('text/plain')) return
    const files = [...(clipboardData?.files ?? [])].filter(({ type }) => type.startsWith('image/'))
    if (files.length > 0) taker?.current(files)
  })
  window.addEventListener('dragover', (event) => {
    if (event.defaultPrevented) return
    event.preventDefault()
    if (!taker && event.dataTransfer) event.dataTransfer.dropEffect = 'none'
  })
  window.addEventListener('drop', (event) => {
    // A box has taken it.
    if (event.defaultPrevented) return
    event.preventDefault()
    const files = [...(event.dataTransfer?.files ?? [])]
    if (files.length > 0) taker?.current(files)
  })
}
