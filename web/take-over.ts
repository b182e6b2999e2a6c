// What happens when the app around the page signs another user in: the browser forgets what it kept of the one before, the views begin anew,
// and notices go to who is here now. The frame asks.
import { useEffect, useLayoutEffect, useState } from 'preact/hooks'
import { onTakeOver } from './app-user.ts'
import { dropDrafts } from './draft.ts'
import { forgetAll } from './memory.ts'
import { keepTelling } from './push.ts'
import type { Language } from './settings.tsx'

/** Differs for each user that the page has had: the key of what must begin anew. */
export function useTakeOvers(language: Language): number {
  const [count, setCount] = useState(0)
  // Before the effects of the views, which ask for what was kept.
  useLayoutEffect(
    () =>
      onTakeOver(async () => {
        dropDrafts()
        await forgetAll()
        setCount((before) => before + 1)
      }),
    [],
  )
  useEffect(() => {
    // Where it fails, the next task that is looked at says it again.
    if (count > 0)
      keepTelling(language).catch((fault) => console.warn('This browser may still be told of the user before:', fault))
  }, [count])
  return count
}
