// A result at small: a picture, a clip's still under a play sign, or the sign of a sound or a file. It says nothing: the button or the link
// around it does. The chain, the contact sheet and the history show it.
import type { OutputKind } from '../../core/recipe.ts'
import { useStored } from '../use-stored.ts'
import { Drawn } from './icons.tsx'
import { Photo } from './photo.tsx'

interface ThumbProps {
  src: string
  kind: OutputKind
  /** Of a clip, the picture that it was made of; without one its own first frame is shown. */
  still?: string | undefined
  lazy?: boolean
}

export function Thumb({ src, kind, still, lazy = false }: ThumbProps) {
  switch (kind) {
    case 'image':
      return <Photo key={src} src={src} alt="" lazy={lazy} />
    case 'video':
      return (
        <>
          {still ? (
            <Photo key={still} src={still} alt="" lazy={lazy} />
          ) : (
            <FirstFrame key={src} src={src} lazy={lazy} />
          )}
          <span class="play">
            <Drawn name="play" />
          </span>
        </>
      )
    default:
      return <Drawn name={kind === 'audio' ? 'sound' : 'file'} />
  }
}

/** Safari draws nothing of a clip that doesn't play, unless it is told at which second to stand. */
function FirstFrame({ src, lazy }: { src: string; lazy: boolean }) {
  const { element, url } = useStored<HTMLVideoElement>(src, lazy)
  return (
    <video
      ref={element}
      class="photo"
      src={url && `${url}#t=0.1`}
      preload="metadata"
      aria-hidden="true"
      tabIndex={-1}
      muted
      playsInline
    />
  )
}
