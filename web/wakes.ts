// What makes the page look again at once: it is shown again, the net is back, or another tab did something to a task. And what makes it begin
// anew: another tab has signed out.
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

/** All that waits for the net or the server tries at once, as when the net is back. */
export const lookAgain = (): void => void window.dispatchEvent(new Event('online'))

type News = 'moved' | 'left'

export const onToldByTab = (listener: () => void): (() => void) => onNews('moved', listener)

/** Calls when the person has signed out, or deleted everything, in another tab. */
export const onLeftByTab = (listener: () => void): (() => void) => onNews('left', listener)

function onNews(wanted: News, listener: () => void): () => void {
  const hear = ({ data }: MessageEvent<News>) => {
    if (data === wanted) listener()
  }
  channel?.addEventListener('message', hear)
  return () => channel?.removeEventListener('message', hear)
}

/** After an own action: the other tabs show it without asking more often. */
export const tellTabs = (news: News = 'moved'): void => channel?.postMessage(news)
