// Offers a person whose task is under way to be told in Telegram, by a link that is good once. Nothing shows where there is no bot.
import { useEffect, useState } from 'preact/hooks'
import type { TelegramLinks } from '../client.ts'
import { client, currentUser } from '../session.ts'
import { useWords } from '../settings.tsx'
import { Drawn } from './icons.tsx'

export function TellInTelegram() {
  const { telegram: words } = useWords()
  const [links, setLinks] = useState<TelegramLinks>()
  const [hasFailed, setHasFailed] = useState(false)
  useEffect(() => {
    if (currentUser() === undefined) return undefined
    const leaving = new AbortController()
    const look = () => void client.telegramLinks(leaving.signal).then(setLinks, () => undefined)
    look()
    // Whoever comes back from Telegram may have linked it.
    document.addEventListener('visibilitychange', look)
    return () => {
      leaving.abort()
      document.removeEventListener('visibilitychange', look)
    }
  }, [])
  const tried = (work: Promise<void>) =>
    void work.then(
      () => setHasFailed(false),
      () => setHasFailed(true),
    )
  if (!links?.offered) return null
  const names = links.chats.map(({ name }) => name).join(', ')
  return (
    <div class="telegram">
      {names ? (
        <>
          <p class="fine">{words.told(names)}</p>
          <button type="button" class="button quiet" onClick={() => tried(client.unlinkTelegram().then(setLinks))}>
            {words.end}
          </button>
        </>
      ) : (
        <button type="button" class="button quiet" onClick={() => tried(openChat())}>
          <Drawn name="arrow" />
          {words.offer}
        </button>
      )}
      {hasFailed && <p class="fine">{words.failed}</p>}
    </div>
  )
}

/** The tab is opened by the tap itself: one that comes after an answer would be blocked. */
async function openChat(): Promise<void> {
  const tab = window.open('', '_blank')
  try {
    const { url } = await client.linkTelegram()
    if (tab) tab.location.href = url
    else location.assign(url)
  } catch (error) {
    tab?.close()
    throw error
  }
}
