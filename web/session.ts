// The page's one client. It promises that a session is there before the first request, is asked for anew once when it has ended, and
// that the person is told when their earlier tasks went with it. An app around the page may hand in its own users' tokens instead.
import { appToken, appUser, hasOwnTokens } from './app-user.ts'
import { createClient, type Session, StepgateError } from './client.ts'
import { hearClock } from './clock.ts'
import { askHuman } from './human-check.tsx'
import { keep, kept, unkeep } from './kept.ts'

/** A session lasts 30 days; the next request after these extends it. Counted by this device's clock alone, which may be wrong. */
const extendAfterMs = 9 * 24 * 3_600_000

let renewing: Promise<void> | undefined
const listeners = new Set<() => void>()

/** Called when a session had ended and another user took its place. */
export function onNewUser(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Whose uploads and tasks these are; undefined before the first visit's first request. */
export const currentUser = (): string | undefined => (hasOwnTokens ? appUser() : kept('user'))

let hasNoBot = false

/** Known once a session was opened or extended in this visit: until then false. */
export const isWithoutBot = (): boolean => hasNoBot

const plain = createClient()

function renew(): Promise<void> {
  renewing ??= openSession()
    .then(({ user_id, telegram }) => {
      hasNoBot = !telegram
      const before = kept('user')
      keep('user', user_id)
      keep('extended', String(Date.now()))
      if (before && before !== user_id) for (const listener of listeners) listener()
    })
    .finally(() => {
      renewing = undefined
    })
  return renewing
}

async function openSession(): Promise<Session> {
  try {
    return await plain.session()
  } catch (error) {
    if (!(error instanceof StepgateError) || error.siteKey === undefined) throw error
    const turnstileToken = await askHuman(error.siteKey)
    if (turnstileToken === undefined) throw error
    return plain.session({ turnstileToken })
  }
}

/** The clock may have been set back since. */
const isOld = (): boolean => !(Math.abs(Date.now() - Number(kept('extended'))) < extendAfterMs)

function requirePassing(fault: unknown): void {
  if (!(fault instanceof StepgateError && fault.isPassing)) throw fault
}

/** Files are kept by the browser, and say when they came. */
const clockFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, init)
  if (/\/api\/(status|tasks)\b/.test(String(input))) hearClock(response)
  return response
}

const sessionFetch: typeof fetch = async (input, init) => {
  if (!kept('user')) await renew()
  // A session that can't be extended just now is as good as before: whether it is, the answer says.
  else if (isOld()) await renew().catch(requirePassing)
  const response = await clockFetch(input, init)
  // What was under way when somebody signed out begins no session for whoever comes next.
  if (response.status !== 401 || !kept('user')) return response
  await renew()
  return clockFetch(input, init)
}

export const client = createClient(hasOwnTokens ? { token: appToken, fetch: clockFetch } : { fetch: sessionFetch })

/** The session is over: the next request begins another one, as another person. */
export function leave(): void {
  unkeep('user')
  unkeep('extended')
}
