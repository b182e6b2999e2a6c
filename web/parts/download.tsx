// A link that saves a result. With an app's token the file is fetched first, since a link can't carry one.

import { hasOwnTokens } from '../app-user.ts'
import { client } from '../session.ts'
import { useWords } from '../settings.tsx'
import { useDeed } from '../use-deed.ts'
import { Drawn } from './icons.tsx'
import { Problem } from './message.tsx'

const savingMs = 60_000

/** `name`: of the saved file, where the functions' own answer doesn't say it. */
export function DownloadLink({ url, name, kind }: { url: string; name: string; kind: string }) {
  const { task } = useWords()
  const { error, run } = useDeed()
  const save = async () => {
    const link = document.createElement('a')
    link.href = URL.createObjectURL(await client.result(url))
    link.download = name
    link.click()
    // Safari reads it after the click.
    setTimeout(() => URL.revokeObjectURL(link.href), savingMs)
  }
  const onClick = (event: Event) => {
    if (!hasOwnTokens) return
    event.preventDefault()
    run(save)
  }
  return (
    <>
      <a class={kind} href={url} download onClick={onClick}>
        <Drawn name="download" />
        <span>{task.download}</span>
      </a>
      {error && <Problem error={error} />}
    </>
  )
}
