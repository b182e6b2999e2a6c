// While a task is being made: the offer to be told when it is ready, taken with one tap.
import { useEffect, useRef, useState } from 'preact/hooks'
import { keep, kept } from '../kept.ts'
import { lookTelling, startTelling, type Telling } from '../push.ts'
import { useSettings } from '../settings.tsx'
import { useDeed } from '../use-deed.ts'
import { Drawn } from './icons.tsx'

export function TellMe() {
  const { words, language } = useSettings()
  const { tell } = words
  const [telling, setTelling] = useState<Telling>('unknown')
  const { isBusy, error, run } = useDeed()
  const [isDeclined, setDeclined] = useState(kept('tell') === 'no')
  useEffect(() => {
    // What can't be found out is not offered.
    lookTelling(language).then(setTelling, () => setTelling('impossible'))
  }, [language])
  const line = useRef<HTMLParagraphElement>(null)
  const ask = () => {
    // The button may go, and the focus with it.
    line.current?.focus()
    run(() => startTelling(language).then(setTelling))
  }
  const decline = () => {
    keep('tell', 'no')
    setDeclined(true)
    line.current?.focus()
  }
  const isOffered = telling === 'offered' && !isDeclined
  const said = { told: tell.told, refused: tell.refused, 'home-screen': tell.homeScreen }[telling as string]
  return (
    <div class="telling">
      {isOffered && (
        <div class="tell">
          <button type="button" class="button" disabled={isBusy} onClick={ask}>
            <Drawn name="clock" />
            {tell.ask}
          </button>
          <button type="button" class="icon-button" aria-label={tell.decline} title={tell.decline} onClick={decline}>
            <Drawn name="close" />
          </button>
        </div>
      )}
      <p ref={line} class="fine" role="status" tabIndex={-1}>
        {error ? tell.failed : isDeclined && telling !== 'told' ? '' : said}
      </p>
    </div>
  )
}
