// What a view is called: in the browser's tab, and aloud where it has taken the place of what a person was at. The views use it.
import type { RefObject } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { useWords } from './settings.tsx'

export function useTitle(title: string): void {
  const { frame } = useWords()
  useEffect(() => {
    document.title = `${title} · ${frame.title}`
  }, [title, frame])
}

/** The same for a heading that tells news: it takes the focus from a button that is gone, and from nothing that is still in use. */
export function useNews(title: string): RefObject<HTMLHeadingElement | null> {
  const heading = useRef<HTMLHeadingElement>(null)
  const { frame } = useWords()
  useTitle(title)
  useEffect(() => {
    const { activeElement } = document
    if (!activeElement || activeElement.matches('body, main') || activeElement.closest('.panel')) {
      heading.current?.focus({ preventScroll: true })
    }
  }, [title, frame])
  return heading
}
