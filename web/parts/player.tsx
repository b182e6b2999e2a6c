// A stored clip or sound with the browser's own controls. It loads no more than it needs to be drawn until somebody plays it. The stage shows it.
import { useWords } from '../settings.tsx'
import { type Stored, useStored } from '../use-stored.ts'

interface SoundProps {
  src: string
  /** Which step or attempt it is. */
  name: string
}

interface ClipProps extends SoundProps {
  /** The picture that it was made of. */
  poster: string | undefined
  /** Told its width divided by its height. */
  onShape: (ratio: number) => void
}

export function Clip({ src, name, poster, onShape }: ClipProps) {
  const { task } = useWords()
  const stored = useStored(src)
  const still = useStored(poster ?? '')
  return (
    <>
      {/* biome-ignore lint/a11y/useMediaCaption: nobody has written down what is said in a clip that a model made */}
      <video
        key={`${stored.url} ${stored.tries}`}
        class="photo"
        src={stored.url}
        poster={still.url || undefined}
        aria-label={task.clipOf(name)}
        preload="metadata"
        controls
        playsInline
        onLoadedMetadata={({ currentTarget: { videoWidth, videoHeight } }) => {
          stored.setState('shown')
          if (videoHeight > 0) onShape(videoWidth / videoHeight)
        }}
        onError={() => stored.setState('failed')}
      />
      <Unplayable stored={stored} />
    </>
  )
}

export function Sound({ src, name }: SoundProps) {
  const { task } = useWords()
  const stored = useStored(src)
  return (
    <>
      {/* biome-ignore lint/a11y/useMediaCaption: as above */}
      <audio
        key={`${stored.url} ${stored.tries}`}
        src={stored.url}
        aria-label={task.soundOf(name)}
        preload="metadata"
        controls
        onLoadedMetadata={() => stored.setState('shown')}
        onError={() => stored.setState('failed')}
      />
      <Unplayable stored={stored} />
    </>
  )
}

/** The net is gone, or this browser doesn't know how it is packed; nobody can tell which. */
function Unplayable({ stored: { state, loadAgain } }: { stored: Stored }) {
  const { task } = useWords()
  if (state !== 'failed') return null
  return (
    <span class="unplayable" role="status">
      <span>{task.playFailed}</span>
      <button type="button" class="button quiet" onClick={loadAgain}>
        {task.loadAgain}
      </button>
    </span>
  )
}
