// The one large result: the newest, the one picked from the chain, or two pictures compared. While a step is being made, what it builds on
// stays in sight.
import { useState } from 'preact/hooks'
import { useWords } from '../settings.tsx'
import { type ChainItem, downloadUrl } from '../task-pictures.ts'
import { Compare } from './compare.tsx'
import { DownloadLink } from './download.tsx'
import { Drawn } from './icons.tsx'
import { Photo } from './photo.tsx'
import { Clip, Sound } from './player.tsx'

interface StageProps {
  shown: ChainItem | undefined
  /** What it is saved as. */
  fileName: string
  /** What it can be compared with: the start picture, or the step before. */
  before: ChainItem | undefined
  /** Of a clip, the picture that it was made of. */
  poster: string | undefined
  isDeveloping: boolean
}

/** A standing person's; a picture of another shape is given its own, within reason. */
const usualRatio = 0.75
const within = (shape: number, most: number) => Math.min(most, Math.max(0.56, shape))

export function Stage({ shown, fileName, before, poster, isDeveloping }: StageProps) {
  const { task } = useWords()
  const [wantsComparing, setComparing] = useState(false)
  const [ratio, setRatio] = useState(usualRatio)
  const pair = pairOf(before, shown)
  const isComparing = wantsComparing && pair !== undefined
  return (
    <div class="stage" style={{ '--ratio': ratio.toFixed(3) }}>
      <div class={`frame ${isDeveloping ? 'developing' : ''} ${shown?.src ? shown.kind : 'empty'}`}>
        {pair && isComparing ? (
          <Compare
            before={{ src: pair.before, name: before?.name ?? '' }}
            after={{ src: pair.after, name: shown?.name ?? '' }}
          />
        ) : (
          shown?.src && <Large key={shown.src} shown={shown} src={shown.src} poster={poster} onRatio={setRatio} />
        )}
        {shown?.src && shown.kind === 'image' && !isComparing && (
          <span class="tag after" aria-hidden="true">
            {shown.name}
          </span>
        )}
      </div>
      <div class="stage-tools">
        {shown?.src && shown.step > 0 && !isComparing && (
          <DownloadLink url={downloadUrl(shown.src)} name={fileName} kind="chip save" />
        )}
        {pair && (
          <button
            type="button"
            class="chip compare-button"
            aria-pressed={isComparing}
            onClick={() => setComparing(!isComparing)}
          >
            <Drawn name={isComparing ? 'close' : 'compare'} />
            {isComparing ? task.compareOff : task.compare}
          </button>
        )}
      </div>
    </div>
  )
}

function pairOf(before: ChainItem | undefined, shown: ChainItem | undefined) {
  if (!before?.src || !shown?.src || before === shown) return undefined
  return before.kind === 'image' && shown.kind === 'image' ? { before: before.src, after: shown.src } : undefined
}

interface LargeProps {
  shown: ChainItem
  src: string
  poster: string | undefined
  onRatio: (ratio: number) => void
}

/** By the type of the file. */
function Large({ shown: { kind, name }, src, poster, onRatio }: LargeProps) {
  const { task } = useWords()
  switch (kind) {
    case 'image':
      return <Photo src={src} alt={task.pictureOf(name)} onShape={(shape) => onRatio(within(shape, 1.4))} />
    case 'video':
      return <Clip src={src} name={name} poster={poster} onShape={(shape) => onRatio(within(shape, 1.78))} />
    case 'audio':
      return <Sound src={src} name={name} />
    case 'file':
      return <Drawn name="file" />
  }
}

/** What was made is nothing to look at or to hear. */
export function FileStage({ isReady, isModel }: { isReady: boolean; isModel: boolean }) {
  const { task } = useWords()
  return (
    <div class="stage">
      <div class={`frame file ${isReady ? '' : 'developing'}`}>
        <Drawn name="file" />
        {isReady && <p>{isModel ? task.model : task.file}</p>}
      </div>
    </div>
  )
}
