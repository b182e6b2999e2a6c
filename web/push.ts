// Being told with the tab closed: the browser's subscription, made with one tap, and kept with whoever uses the page now. parts/tell-me.tsx offers it.
import { keep, kept, unkeep } from './kept.ts'
import { taskPath } from './route.ts'
import { client, currentUser } from './session.ts'

/** `home-screen`: an iPhone or iPad allows it only to a page on the Home Screen. */
export type Telling = 'unknown' | 'impossible' | 'home-screen' | 'offered' | 'refused' | 'told'

interface AppleNavigator extends Navigator {
  standalone?: boolean
}

/** What is possible here, without asking the person anything. Who is told already stays so, though they are another user by now. */
export async function lookTelling(language: 'en' | 'ru'): Promise<Telling> {
  const { standalone } = navigator as AppleNavigator
  if (standalone === false && !('PushManager' in window)) return 'home-screen'
  if (!('serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window)) return 'impossible'
  if (Notification.permission === 'denied') return 'refused'
  if (await keepTelling(language)) return 'told'
  return (await pushKey()) === null ? 'impossible' : 'offered'
}

/** Whether this browser is told already: then it is of whoever uses the page now. */
export async function keepTelling(language: 'en' | 'ru'): Promise<boolean> {
  const mayTell = 'Notification' in window && Notification.permission === 'granted'
  const subscription = mayTell ? await subscribed() : undefined
  if (!subscription) return false
  const key = await hand(subscription, language)
  if (key === null) return false
  const present = await madeWith(key, subscription)
  if (present !== subscription) await hand(present, language)
  return true
}

/** Asks the person: call it from their tap alone. */
export async function startTelling(language: 'en' | 'ru'): Promise<Telling> {
  if ((await Notification.requestPermission()) !== 'granted') return 'refused'
  const key = await pushKey()
  if (key === null) return 'impossible'
  await navigator.serviceWorker.register(workerUrl() as string)
  await hand(await madeWith(key, await subscribed()), language)
  return 'told'
}

/** For who signs out, while the session is good: nobody else who uses this browser hears of their tasks. */
export async function stopTelling(): Promise<void> {
  const subscription = await subscribed()
  if (subscription) await client.unlisten(subscription.endpoint)
  await forgetTelling()
}

/** Where the functions know nothing of it any more: whoever comes next is asked themselves. */
export async function forgetTelling(): Promise<void> {
  unkeep('told')
  await (await subscribed())?.unsubscribe()
}

/** The service worker asks every window whether it shows a task, before it opens another one. Call it once. */
export function answerWorker(): void {
  if (!('serviceWorker' in navigator)) return
  const { serviceWorker } = navigator
  serviceWorker.addEventListener('message', ({ data, ports }) => {
    ports[0]?.postMessage(location.hash === taskPath(data.task_id))
  })
  serviceWorker.startMessages()
}

/** Push services take messages by the key alone that a subscription was made with: after the deployment's has changed, another is made. */
async function madeWith(key: string, existing: PushSubscription | undefined): Promise<PushSubscription> {
  const own = existing?.options?.applicationServerKey
  if (existing && (!own || inBase64Url(own) === key)) return existing
  if (existing) {
    await client.unlisten(existing.endpoint)
    await existing.unsubscribe()
  }
  const { pushManager } = await navigator.serviceWorker.ready
  return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key })
}

const inBase64Url = (bytes: ArrayBuffer): string =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

async function subscribed(): Promise<PushSubscription | undefined> {
  if (!('serviceWorker' in navigator)) return undefined
  const registration = await navigator.serviceWorker.getRegistration()
  return (await registration?.pushManager?.getSubscription()) ?? undefined
}

let askedKey: Promise<string | null> | undefined

/** Asked for once a visit. */
function pushKey(): Promise<string | null> {
  askedKey ??= client.pushKey().catch((fault) => {
    askedKey = undefined
    throw fault
  })
  return askedKey
}

/** Once for each user and subscription. Gives the deployment's key. */
async function hand(subscription: PushSubscription, language: 'en' | 'ru'): Promise<string | null> {
  const own = `${currentUser()} ${language} ${subscription.endpoint}`
  if (kept('told') === own) return pushKey()
  const { public_key } = await client.listen({ ...subscription.toJSON(), language })
  keep('told', `${currentUser()} ${language} ${subscription.endpoint}`)
  return public_key
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): unknown }
}

const path = '/sw.js'
let policy: { createScriptURL(url: string): unknown } | undefined

/** The page's security policy takes no text for a script's address. */
function workerUrl(): unknown {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes }
  policy ??= trustedTypes?.createPolicy('stepgate-service-worker', { createScriptURL: () => path })
  return policy?.createScriptURL(path) ?? path
}
