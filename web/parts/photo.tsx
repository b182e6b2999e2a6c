// A stored picture, or a word that it wouldn't load and a button to try again. One that says nothing (`alt` is empty) stands in a button or a
// link, which can't hold another: it is only drawn as missing.
import { useWords } from '../settings.tsx'
import { useStored } from '../use-stored.ts'
import { Drawn } from './icons.tsx'

interface PhotoProps {
  src: string
  alt: string
  lazy?: boolean
  /** Told its width divided by its height. */
  onShape?: (ratio: number) => void
}

export function Photo({ src, alt, lazy = false, onShape }: PhotoProps) {
  const { task } = useWords()
  const { element, url, tries, state, setState, loadAgain } = useStored<HTMLImageElement>(src, lazy)
  if (state === 'failed' && alt === '')
    return (
      <span class="photo photo-failed">
        <Drawn name="image" />
      </span>
    )
  if (state === 'failed')
    return (
      <span class="photo photo-failed">
        <span>{task.pictureFailed}</span>
        <button type="button" class="button quiet" onClick={loadAgain}>
          {task.loadAgain}
        </button>
      </span>
    )
  return (
    <img
      key={`${url} ${tries}`}
      ref={element}
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
