// What makes the page look again at once: it is shown again, the net is back, or another tab did something to a task.
const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel('stepgate') : undefined

export const isHidden = (): boolean => document.visibilityState === 'hidden'

/** For a watch: calls `wake` at each such moment until the function it gives is called. */
export function onWake(wake: () => void): () => void {
  const whenShown = () => {
    if (!isHidden()) wake()
  }
  document.addEventListener('visibilitychange', whenShown)
  window.addEventListener('online', wake)
  const unsubscribe = onToldByTab(wake)
  return () => {
    document.removeEventListener('visibilitychange', whenShown)
    window.removeEventListener('online', wake)
    unsubscribe()
  }
}

export function onToldByTab(listener: () => void): () => void {
  channel?.addEventListener('message', listener)
  return () => channel?.removeEventListener('message', listener)
}

/** After an own action: the other tabs show it without asking more often. */
export const tellTabs = (): void => channel?.postMessage('moved')
