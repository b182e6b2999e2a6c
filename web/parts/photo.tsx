// A stored picture. It loads again by itself when the net is back, by hand when it wouldn't, and with the token where a cookie isn't used.
import { useEffect, useState } from 'preact/hooks'
import { client, hasOwnTokens } from '../session.ts'
import { useWords } from '../settings.tsx'

interface PhotoProps {
  src: string
  alt: string
  lazy?: boolean
  /** Told its width divided by its height. */
  onShape?: (ratio: number) => void
}

export function Photo({ src, alt, lazy = false, onShape }: PhotoProps) {
  const words = useWords()
  const [tries, setTries] = useState(0)
  const [state, setState] = useState<'loading' | 'shown' | 'failed'>('loading')
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
  if (state === 'failed')
    return (
      <span class="photo photo-failed">
        <span>{words.task.pictureFailed}</span>
        <button type="button" class="button quiet" onClick={loadAgain}>
          {words.task.loadAgain}
        </button>
      </span>
    )
  return (
    <img
      key={`${url} ${tries}`}
      class={`photo ${state}`}
      src={url}
      alt={alt}
      loading={lazy ? 'lazy' : 'eager'}
      decoding="async"
      onLoad={({ currentTarget }) => {
        setState('shown')
        onShape?.(currentTarget.naturalWidth / currentTarget.naturalHeight)
      }}
      onError={() => setState('failed')}
    />
  )
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
