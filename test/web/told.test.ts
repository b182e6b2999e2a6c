// Being told with the page closed: one tap, a message that is encrypted and sent, and the service worker that shows it. A headless browser
// has no push service and shows no notices: these two are stood in for, the page, its worker and the endpoints are real.
import { sql } from 'kysely'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeEach, expect, test } from 'vitest'
import webPush from 'web-push'
import { startReceivers } from '../../simulator/receivers/index.ts'
import { fillIn, headline, openPage, startTryOn, usePage } from './page.ts'

const { publicKey, privateKey } = webPush.generateVAPIDKeys()
const receivers = await startReceivers({
  port: 0,
  secret: 'whsec_bmV3LW5ldy1uZXctbmV3LW5ldy1uZXctbmV3',
  now: () => app.deps.now?.() ?? new Date(),
})
afterAll(() => receivers.close())
const vapid = {
  VAPID_PUBLIC_KEY: publicKey,
  VAPID_PRIVATE_KEY: privateKey,
  VAPID_SUBJECT: 'mailto:ops@app.test',
}
const stack = await usePage({ env: vapid })
const { app, open, until } = stack
// Who is to be told has said so before anything is ready, however slow the machine is.
beforeEach(() => app.simulator.replicate.set({ seconds_per_step: 300 }))

/** A person who allows notices, in a browser whose push service is the receivers'. */
const allowing = () => `{
  const keys = ${JSON.stringify(receivers.subscribe())}
  const bytes = () => Uint8Array.from(atob(localStorage.subscribed.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0))
  const options = { get applicationServerKey() { return bytes().buffer } }
  const subscription = { ...keys, options, toJSON: () => keys, unsubscribe: async () => delete localStorage.subscribed }
  let permission
  Object.defineProperty(Notification, 'permission', {
    get: () => permission ?? (localStorage.subscribed ? 'granted' : 'default'),
  })
  Notification.requestPermission = async () => (permission = 'granted')
  PushManager.prototype.getSubscription = async () => (localStorage.subscribed ? subscription : null)
  PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
    localStorage.subscribed = applicationServerKey
    return subscription
  }
}`

/** The worker's notices and the windows that it wants, kept in the worker. */
const watching = `{
  self.did = []
  ServiceWorkerRegistration.prototype.showNotification = async (title, { body, tag, data }) => void self.did.push({ title, body, tag, data })
  WindowClient.prototype.focus = async function () { self.did.push(this.url) }
  Clients.prototype.openWindow = async (url) => void self.did.push(url)
}`

/** A tap on a notice of this task. Untrusted events can't be waited for by the browser. */
const tapped = (taskId: string) => `(async () => {
  self.did.length = 0
  const event = new Event('notificationclick')
  const notification = { data: { task_id: '${taskId}' }, close: () => self.did.push('closed') }
  let work
  Object.assign(event, { notification, waitUntil: (promise) => { work = promise } })
  self.dispatchEvent(event)
  await work
  return self.did
})()`

/** As the browser does when its push service brings something. */
async function deliver(context: BrowserContext, page: Page, data: string): Promise<void> {
  const browser = await context.newCDPSession(page)
  const registered = new Promise<string>((resolve) => {
    browser.on('ServiceWorker.workerRegistrationUpdated', ({ registrations: [first] }) => {
      if (first) resolve(first.registrationId)
    })
  })
  await browser.send('ServiceWorker.enable')
  const registrationId = await registered
  await browser.send('ServiceWorker.deliverPushMessage', { origin: app.address, registrationId, data })
}

async function tellMe(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Tell me when it is ready' }).click()
  await page.getByText('You will be told').waitFor()
}

test('one tap, repeated where the net failed, and the result is told by a notice; a tap on it goes to the window that shows the task', async () => {
  const { context, page } = await open({ script: allowing() })
  await startTryOn(page, 1)
  const starting = context.waitForEvent('serviceworker')
  await page.route('**/api/push', (route) => (route.request().method() === 'POST' ? route.abort() : route.continue()))
  await page.getByRole('button', { name: 'Tell me when it is ready' }).click()
  await page.getByText('That did not work. Try again.').waitFor()
  await page.unroute('**/api/push')
  await tellMe(page)
  await expect.poll(() => page.evaluate('document.activeElement.textContent')).toContain('You will be told')
  await expect.poll(() => page.evaluate('localStorage.subscribed')).toBe(publicKey)
  const worker = await starting
  await until(headline(page, 'Ready'))
  await expect.poll(() => receivers.pushes.length).toBe(1)
  const [{ task_id, title, body } = { task_id: '', title: '', body: '' }] = receivers.pushes
  expect(page.url()).toContain(task_id)

  await worker.evaluate(watching)
  await deliver(context, page, JSON.stringify(receivers.pushes[0]))
  await expect.poll(() => worker.evaluate('self.did')).toEqual([{ title, body, tag: task_id, data: { task_id } }])
  expect(await worker.evaluate(tapped(task_id))).toEqual(['closed', `${app.address}/`])
  await page.goto(`${app.address}/#/history`)
  expect(await worker.evaluate(tapped(task_id))).toEqual(['closed', `/#/task/${task_id}`])
})

test('a browser whose subscription was made with another key of the deployment’s gets one that is heard of', async () => {
  const { page } = await open({ script: allowing() })
  await startTryOn(page, 1)
  await tellMe(page)
  await page.evaluate(`localStorage.subscribed = '${webPush.generateVAPIDKeys().publicKey}'`)
  await page.reload()
  await page.getByText('You will be told').waitFor()
  await expect.poll(() => page.evaluate('localStorage.subscribed')).toBe(publicKey)
})

test.each([
  { name: 'Sign out', asked: ['POST /api/push', 'POST /api/session/end'] },
  { name: 'Delete everything', asked: ['POST /api/delete', 'POST /api/delete'] },
])('$name: this browser is told no more, and no tab of it has a photo or a picture left', async ({ name, asked }) => {
  const { page, calls, context } = await open({ script: allowing() })
  await startTryOn(page, 1)
  await tellMe(page)
  const address = page.url()
  await until(headline(page, 'Ready'))
  const picture = String(await page.locator('.stage img').getAttribute('src'))
  await page.getByRole('link', { name: 'Start again with these' }).click()
  await page.locator('img.person').waitFor()
  const { page: other } = await openPage(context, address, stack.complaints)
  await other.getByRole('link', { name: 'Start again with these' }).click()
  await other.locator('img.person').waitFor()
  await page.getByRole('link', { name: 'History' }).click()
  await page.locator('.card').waitFor()
  calls.length = 0
  await page.getByRole('button', { name }).click()
  await page.getByRole('dialog').getByRole('button', { name }).click()
  await page.locator('.sample-person').waitFor()
  // The list of tasks is read by the clock, and its pictures come when they come.
  expect(calls.filter((call) => !/^GET \/api\/(tasks|result)$/.test(call))).toEqual(asked)
  await other.locator('.sample-person').waitFor()
  expect(await other.locator('img.person, .card').count()).toBe(0)
  await expect.poll(() => page.evaluate('localStorage.subscribed')).toBeUndefined()
  expect((await sql`select user_id from listeners`.execute(app.deps.db)).rows).toEqual([])
  expect(await page.locator('img.person, .card').count()).toBe(0)
  expect((await page.request.get(new URL(picture, address).href)).status()).toBe(401)
  await page.goto(address)
  await headline(page, 'This was not found.').waitFor()
})

test('in an app whose user changes, the next one finds no photo, sends none of the one before, and is told instead of them', async () => {
  const [ada, bob] = [await app.signIn('ada'), await app.signIn('bob')]
  const tokens = `if (location.protocol === 'http:' && localStorage.who !== 'nobody')
    globalThis.stepgate = { token: () => (localStorage.who === 'bob' ? '${bob}' : '${ada}') }`
  const { page, calls } = await open({ script: `${allowing()}\n${tokens}` })
  const told = async () => (await sql<{ user_id: string }>`select user_id from listeners`.execute(app.deps.db)).rows
  await startTryOn(page, 1)
  await tellMe(page)
  expect(await told()).toEqual([{ user_id: 'ada' }])
  await page.getByRole('link', { name: 'Start page' }).click()
  await fillIn(page, 1)
  await page.evaluate("localStorage.who = 'bob'")
  const toBob = page.waitForResponse('**/api/push')
  await page.reload()
  await toBob
  expect(await told()).toEqual([{ user_id: 'bob' }])
  await page.locator('.sample-person').waitFor()
  expect(await page.locator('img.person, .garment, .card').count()).toBe(0)

  await fillIn(page, 1)
  await page.evaluate("localStorage.who = 'ada'")
  calls.length = 0
  const toAda = page.waitForResponse('**/api/push')
  await page.getByRole('button', { name: /^Start/ }).click()
  await toAda
  await page.locator('.sample-person').waitFor()
  expect(await told()).toEqual([{ user_id: 'ada' }])
  expect(calls.filter((call) => /upload|start/.test(call))).toEqual([])

  await fillIn(page, 1)
  await page.evaluate("localStorage.who = 'nobody'")
  const toNobody = page.waitForResponse('**/api/push')
  await page.reload()
  await toNobody
  await page.locator('.sample-person').waitFor()
  expect(await page.locator('img.person, .garment, .card').count()).toBe(0)
  expect(await told()).not.toContainEqual({ user_id: 'ada' })
})
