// The address by which an element loads a stored file. It loads again by itself when the net is back, by hand when it wouldn't, and with the
// token where a cookie isn't used: then, too, what is lazy only when it comes near. Pictures, clips and sounds ask.
import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { hasOwnTokens } from './app-user.ts'
import { client } from './session.ts'

export interface Stored<Shown extends Element = Element> {
  /** Of the element, where it is lazy. */
  element: RefObject<Shown | null>
  url: string | undefined
  /** Differs for each time that it is loaded again. */
  tries: number
  state: 'loading' | 'shown' | 'failed'
  setState(state: Stored['state']): void
  loadAgain(): void
}

export function useStored<Shown extends Element>(src: string, isLazy = false): Stored<Shown> {
  const element = useRef<Shown>(null)
  const isNear = useNear(element, isLazy && hasOwnTokens)
  const [tries, setTries] = useState(0)
  const [state, setState] = useState<Stored['state']>('loading')
  const url = useLoadable(isNear ? src : undefined, tries, () => setState('failed'))
  const loadAgain = () => {
    setState('loading')
    setTries((count) => count + 1)
  }
  useEffect(() => {
    if (state !== 'failed') return
    window.addEventListener('online', loadAgain)
    return () => window.removeEventListener('online', loadAgain)
  }, [state])
  return { element, url, tries, state, setState, loadAgain }
}

/** What an element does by itself that loads an address: true once it is in sight, or nearly so. */
function useNear(element: RefObject<Element | null>, isLazy: boolean): boolean {
  const [isNear, setNear] = useState(!isLazy)
  useEffect(() => {
    if (isNear || !element.current) return
    const watching = new IntersectionObserver((seen) => setNear(seen.some(({ isIntersecting }) => isIntersecting)), {
      rootMargin: '50%',
    })
    watching.observe(element.current)
    return () => watching.disconnect()
  }, [isNear])
  return isNear
}

/** The address itself, or a copy of the file that was fetched with the app's token. */
function useLoadable(src: string | undefined, tries: number, onFail: () => void): string | undefined {
  const isFetched = hasOwnTokens && src?.startsWith('/api/') === true
  const [fetched, setFetched] = useState<string>()
  useEffect(() => {
    if (!isFetched) return
    let url: string | undefined
    const left = new AbortController()
    client.result(src, left.signal).then(
      (blob) => {
        url = URL.createObjectURL(blob)
        setFetched(url)
      },
      () => !left.signal.aborted && onFail(),
    )
    return () => {
      left.abort()
      setFetched(undefined)
      if (url) URL.revokeObjectURL(url)
    }
  }, [src, tries, isFetched])
  return isFetched ? fetched : src
}
