// Keeps the focus of who uses a keyboard: where the button they pressed is taken out of the page, or could not be pressed for a while, it would
// fall to the page's very beginning. The frame uses it; what knows a better place puts the focus there by itself.
import { useEffect } from 'preact/hooks'

/** After the views have drawn and said where they want it. */
const patienceMs = 100
const focusable = 'a[href], button:not(:disabled), input:not(:disabled), select, textarea, summary, [tabindex="0"]'

export function useKeptFocus(): void {
  useEffect(() => {
    let last: Element | undefined
    let isByKey = false
    let place: Node | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    const key = () => {
      isByKey = true
    }
    const point = () => {
      isByKey = false
    }
    const focused = ({ target }: FocusEvent) => {
      last = target instanceof Element ? target : undefined
      place = undefined
    }
    const settle = () => {
      if (!isByKey || !last || !isNowhere()) return
      if (last.isConnected) return focus(last)
      const near = nearest(place)
      if (near) focus(near)
    }
    const changes = new MutationObserver((records) => {
      if (!last || !isByKey) return
      for (const { target, removedNodes } of records) {
        if ([...removedNodes].some((node) => node === last || node.contains(last ?? null))) place = target
      }
      clearTimeout(timer)
      timer = setTimeout(settle, patienceMs)
    })
    changes.observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ['disabled'] })
    document.addEventListener('keydown', key, true)
    document.addEventListener('pointerdown', point, true)
    document.addEventListener('focusin', focused)
    return () => {
      changes.disconnect()
      clearTimeout(timer)
      document.removeEventListener('keydown', key, true)
      document.removeEventListener('pointerdown', point, true)
      document.removeEventListener('focusin', focused)
    }
  }, [])
}

const isNowhere = (): boolean => document.activeElement === null || document.activeElement === document.body

const focus = (element: Element): void => {
  if (element instanceof HTMLElement && !element.matches(':disabled')) element.focus({ preventScroll: true })
}

/** The first control of the smallest part around the place that has any. */
function nearest(place: Node | undefined): Element | undefined {
  for (let around = place; around instanceof Element; around = around.parentNode ?? undefined) {
    const found = around.isConnected && around.querySelector(focusable)
    if (found) return found
  }
  return undefined
}
