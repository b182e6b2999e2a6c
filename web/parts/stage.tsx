// The one large picture: the newest result, the one picked from the chain, or two of them compared. While a step is being made, what it
// builds on stays in sight.
import { useState } from 'preact/hooks'
import { useWords } from '../settings.tsx'
import { type ChainItem, downloadUrl } from '../task-pictures.ts'
import { Compare } from './compare.tsx'
import { DownloadLink } from './download.tsx'
import { Drawn } from './icons.tsx'
import { Photo } from './photo.tsx'

interface StageProps {
  shown: ChainItem | undefined
  /** What it can be compared with: the start picture, or the step before. */
  before: ChainItem | undefined
  isDeveloping: boolean
}

/** A standing person's; a picture of another shape is given its own, within reason. */
const usualRatio = 0.75

export function Stage({ shown, before, isDeveloping }: StageProps) {
  const { task } = useWords()
  const [isComparing, setComparing] = useState(false)
  const [ratio, setRatio] = useState(usualRatio)
  const pair = before?.src && shown?.src && before !== shown ? { before: before.src, after: shown.src } : undefined
  return (
    <div class="stage" style={{ '--ratio': ratio.toFixed(3) }}>
      <div class={`frame ${isDeveloping ? 'developing' : ''} ${shown?.src ? '' : 'empty'}`}>
        {pair && isComparing ? (
          <Compare
            before={{ src: pair.before, name: before?.name ?? '' }}
            after={{ src: pair.after, name: shown?.name ?? '' }}
          />
        ) : (
          shown?.src && (
            <Photo
              key={shown.src}
              src={shown.src}
              alt={task.pictureOf(shown.name)}
              onShape={(shape) => setRatio(Math.min(1.4, Math.max(0.56, shape)))}
            />
          )
        )}
        {shown?.src && !isComparing && (
          <span class="tag after" aria-hidden="true">
            {shown.name}
          </span>
        )}
      </div>
      <div class="stage-tools">
        {shown?.src && shown.step > 0 && !isComparing && <DownloadLink url={downloadUrl(shown.src)} kind="chip save" />}
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

/** What was made isn't a picture. */
export function FileStage({ isReady }: { isReady: boolean }) {
  const { task } = useWords()
  return (
    <div class="stage">
      <div class={`frame file ${isReady ? '' : 'developing'}`}>
        <Drawn name="file" />
        {isReady && <p>{task.file}</p>}
      </div>
    </div>
  )
}
