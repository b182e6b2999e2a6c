// Offers a person whose task is under way to be told in Telegram, by a link that is good once. Nothing shows where there is no bot.
import { useEffect, useState } from 'preact/hooks'
import type { TelegramLinks } from '../client.ts'
import { client, currentUser, isWithoutBot } from '../session.ts'
import { useWords } from '../settings.tsx'
import { useDeed } from '../use-deed.ts'
import { onWake } from '../wakes.ts'
import { Drawn } from './icons.tsx'

export function TellInTelegram() {
  const { telegram: words } = useWords()
  const [links, setLinks] = useState<TelegramLinks>()
  const { isBusy, error, run } = useDeed()
  useEffect(() => {
    if (currentUser() === undefined || isWithoutBot()) return undefined
    const leaving = new AbortController()
    client.telegramLinks(leaving.signal).then(setLinks, () => undefined)
    return () => leaving.abort()
  }, [])
  const isOffered = links?.offered === true
  useEffect(() => {
    if (!isOffered) return undefined
    // Whoever comes back from Telegram may have linked it.
    return onWake(() => void client.telegramLinks().then(setLinks, () => undefined))
  }, [isOffered])
  if (!links || !isOffered) return null
  const names = links.chats.map(({ name }) => name).join(', ')
  return (
    <div class="telegram">
      {names ? (
        <>
          <p class="fine">{words.told(names)}</p>
          <button
            type="button"
            class="button quiet"
            disabled={isBusy}
            onClick={() => run(() => client.unlinkTelegram().then(setLinks))}
          >
            {words.end}
          </button>
        </>
      ) : (
        <button type="button" class="button quiet" disabled={isBusy} onClick={() => run(openChat)}>
          <Drawn name="arrow" />
          {words.offer}
        </button>
      )}
      {error && (
        <p class="fine" role="alert">
          {words.failed}
        </p>
      )}
    </div>
  )
}

/** The tab is opened by the tap itself: one that comes after an answer would be blocked. */
async function openChat(): Promise<void> {
  const tab = window.open('', '_blank')
  try {
    const { url } = await client.linkTelegram()
    if (!tab) return location.assign(url)
    // What opens there has no hold on this page.
    tab.opener = null
    tab.location.href = url
  } catch (error) {
    tab?.close()
    throw error
  }
}
