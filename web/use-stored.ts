// The address by which an element loads a stored file. It loads again by itself when the net is back, by hand when it wouldn't, and with the
// token where a cookie isn't used. Pictures, clips and sounds ask.
import { useEffect, useState } from 'preact/hooks'
import { hasOwnTokens } from './app-user.ts'
import { client } from './session.ts'

export interface Stored {
  url: string | undefined
  /** Differs for each time that it is loaded again. */
  tries: number
  state: 'loading' | 'shown' | 'failed'
  setState(state: Stored['state']): void
  loadAgain(): void
}

export function useStored(src: string): Stored {
  const [tries, setTries] = useState(0)
  const [state, setState] = useState<Stored['state']>('loading')
  const url = useLoadable(src, tries, () => setState('failed'))
  const loadAgain = () => {
    setState('loading')
    setTries((count) => count + 1)
  }
  useEffect(() => {
    if (state !== 'failed') return
    window.addEventListener('online', loadAgain)
    return () => window.removeEventListener('online', loadAgain)
  }, [state])
  return { url, tries, state, setState, loadAgain }
}

/** The address itself, or a copy of the file that was fetched with the app's token. */
function useLoadable(src: string, tries: number, onFail: () => void): string | undefined {
  const isFetched = hasOwnTokens && src.startsWith('/api/')
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
      if (url) URL.revokeObjectURL(url)
    }
  }, [src, tries, isFetched])
  return isFetched ? fetched : src
}
