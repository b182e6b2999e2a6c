// The users of an app around the page, told apart by the tokens that it hands in. When one follows another, nothing of the first may reach
// the second: no request that was about to be sent, and nothing that the browser kept. session.ts and draft.ts ask; take-over.ts clears.
import { StepgateError } from './client.ts'
import { keep, kept, unkeep } from './kept.ts'

declare global {
  /** Set by an app that embeds this page, before the page's script runs. */
  var stepgate: { token(): string | undefined | Promise<string | undefined> } | undefined
}

const app = globalThis.stepgate
/** Pictures then need the token too, so that an <img> can't load them by itself. */
export const hasOwnTokens = app !== undefined

const keptName = 'app-user'
/** Of this tab: another tab may have noticed the next user first. */
let here = kept(keptName)
let takeOver: Promise<unknown> | undefined
const listeners = new Set<() => Promise<void>>()

/** Before a token is known, `app`: somebody who may have tasks. */
export const appUser = (): string => here ?? 'app'

/** Each is called when another user has taken the place of the one before, and must have cleared its part when it resolves. */
export function onTakeOver(listener: () => Promise<void>): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** For one request. Throws when it was to be sent for another user than the one who is here now. */
export async function appToken(): Promise<string | undefined> {
  const token = await tokenOfApp()
  const user = userOf(token)
  if (user !== undefined && user !== here) {
    const before = here
    here = user
    keep(keptName, user)
    if (before !== undefined) void clear()
  }
  if (takeOver) {
    await takeOver
    throw anotherUser()
  }
  return token
}

/** Before anything that the browser kept is shown or sent. Throws as `appToken` does. */
export async function settleUser(): Promise<void> {
  if (app) return void (await appToken())
  if (here === undefined) return
  // The app's user has signed out, and whoever comes now comes without the app.
  here = undefined
  unkeep(keptName)
  await clear()
}

/** For work of several requests: the function throws once another user is here. */
export function sameUser(): () => void {
  const before = here
  return () => {
    if (here !== before) throw anotherUser()
  }
}

function clear(): Promise<unknown> {
  takeOver ??= Promise.all(Array.from(listeners, (listener) => listener())).finally(() => {
    takeOver = undefined
  })
  return takeOver
}

const anotherUser = () =>
  new StepgateError({ status: 401, code: 'unauthenticated', detail: 'Another user has signed in meanwhile.' })

async function tokenOfApp(): Promise<string | undefined> {
  try {
    return await app?.token()
  } catch (cause) {
    throw new StepgateError({ status: 0, code: 'unreachable', detail: 'The app gave no token.', cause })
  }
}

/** The subject, by which the functions know the user. It is only compared, so nobody need trust it. */
function userOf(token: string | undefined): string | undefined {
  try {
    const payload = token?.split('.')[1]?.replaceAll('-', '+').replaceAll('_', '/') ?? ''
    const { sub } = JSON.parse(atob(payload)) as { sub?: unknown }
    return typeof sub === 'string' ? sub : undefined
  } catch {
    return undefined
  }
}
