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

/** Files pasted, or dropped beside every box: whoever uses it decides where they belong. */
export function useLooseFiles(onFiles: (files: File[]) => void): void {
  const latest = useRef(onFiles)
  latest.current = onFiles
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])].filter(({ type }) => type.startsWith('image/'))
      if (files.length > 0) latest.current(files)
    }
    const over = (event: DragEvent) => event.preventDefault()
    const missed = (event: DragEvent) => {
      // A box has taken it.
      if (event.defaultPrevented) return
      event.preventDefault()
      const files = [...(event.dataTransfer?.files ?? [])]
      if (files.length > 0) latest.current(files)
    }
    document.addEventListener('paste', paste)
    window.addEventListener('dragover', over)
    window.addEventListener('drop', missed)
    return () => {
      document.removeEventListener('paste', paste)
      window.removeEventListener('dragover', over)
      window.removeEventListener('drop', missed)
    }
  }, [])
}
