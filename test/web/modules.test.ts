// The page's own modules without a browser: what it sends over a bad net, when it extends its session, and what it keeps.
import type { RequestListener } from 'node:http'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { offersOf } from '../../build/offers.ts'
import { openRecipes } from '../../recipes/index.ts'
import { type Client, type RecipeView, StepgateError, type TaskView } from '../../web/client.ts'
import { stillToCome } from '../../web/task-pictures.ts'
import { serve } from '../setup/serve.ts'

/** They are written for browsers, whose types these tests don't know. */
const load = <T>(path: string): Promise<T> => import(new URL(`../../web/${path}`, import.meta.url).href)

let answer: RequestListener = () => {}
const asked: string[] = []
const address = await serve((request, response) => {
  asked.push(String(request.url))
  answer(request, response)
})
const { fetch } = globalThis
/** As a browser on the page's origin. */
vi.stubGlobal('fetch', (path: string, init?: RequestInit) => fetch(address + path, init))
vi.stubGlobal('window', new EventTarget())
const stored = new Map<string, string>()
let isFull = false
vi.stubGlobal('localStorage', {
  getItem: (name: string) => stored.get(name) ?? null,
  setItem: (name: string, value: string) => {
    if (isFull) throw new Error('QuotaExceededError')
    stored.set(name, value)
  },
  removeItem: (name: string) => stored.delete(name),
})
const offer = { name: 'edit', step_seconds: 7, outputs: ['image'] } as unknown as RecipeView
const priced = offersOf({}).filter(({ name }) => name !== 'edit')
vi.stubGlobal('__OFFERS__', [offer, ...priced])
afterAll(() => void vi.unstubAllGlobals())
beforeEach(() => {
  asked.length = 0
  isFull = false
})

const json = (body: object, status = 200) =>
  [status, { 'content-type': `application/${status < 400 ? '' : 'problem+'}json` }, JSON.stringify(body)] as const
const send = (response: Parameters<RequestListener>[1], [status, headers, body]: ReturnType<typeof json>) =>
  void response.writeHead(status, headers).end(body)
const problem = (status: number, code: string) => json({ code, detail: code }, status)
const opened = () => json({ user_id: 'ann', token: 't', expires_at: new Date().toISOString(), telegram: false }, 201)

const { persist } = await load<{
  persist<T>(call: () => Promise<T>, options: { signal: AbortSignal; onRetry(): void }): Promise<T>
}>('persist.ts')

test('who has left has nothing more sent for them', async () => {
  const leaving = new AbortController()
  leaving.abort(new Error('left'))
  const call = vi.fn(() => Promise.resolve())
  await expect(persist(call, { signal: leaving.signal, onRetry: () => {} })).rejects.toThrow('left')
  expect(call).not.toHaveBeenCalled()
})

test('a session is extended by this device’s clock, however wrong, and used as it is where that fails', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2031-01-01') })
  let extending = opened()
  answer = ({ url }, response) =>
    send(response, url === '/api/session' ? extending : json({ tasks: [], next_cursor: null }))
  const { client } = await load<{ client: Client }>('session.ts')
  await client.tasks()
  await client.tasks()
  expect(asked).toEqual(['/api/session', '/api/tasks?', '/api/tasks?'])
  vi.setSystemTime('2031-01-11')
  extending = problem(503, 'unavailable')
  asked.length = 0
  await client.tasks()
  expect(asked).toEqual(['/api/session', '/api/tasks?'])
  vi.useRealTimers()
})

test('what was under way when somebody signed out begins no session', async () => {
  stored.set('stepgate.user', 'ann')
  stored.set('stepgate.extended', String(Date.now()))
  const { client, leave } = await load<{ client: Client; leave(): void }>('session.ts?left')
  answer = (request, response) => {
    leave()
    send(response, request.url === '/api/session' ? opened() : problem(401, 'unauthenticated'))
  }
  await expect(client.tasks()).rejects.toMatchObject({ code: 'unauthenticated' })
  expect(asked).not.toContain('/api/session')
  expect(stored.has('stepgate.user')).toBe(false)
})

test('of two uploads one is refused: nothing is under way any more when that is told', async () => {
  const { uploadAll } = await load<{
    uploadAll(pictures: { blob: Blob }[], onProgress: (done: number) => void): Promise<void>
  }>('pictures/upload.ts')
  const waiting: (() => void)[] = []
  answer = ({ url }, response) => {
    if (url !== '/api/upload') return send(response, url === '/api/session' ? opened() : json({}))
    const end = [problem(413, 'body_too_large'), json({ url: '/api/upload?id=2' })][waiting.length]
    if (end) waiting.push(() => send(response, end))
  }
  const seen: string[] = []
  const pictures = ['a', 'b', 'c'].map((text) => ({ blob: new Blob([text], { type: 'image/jpeg' }) }))
  const ended = uploadAll(pictures, (done) => seen.push(`${done} sent`)).catch(({ code }) => seen.push(code))
  await expect.poll(() => waiting).toHaveLength(2)
  waiting[0]?.()
  await fetch(`${address}/later`)
  waiting[1]?.()
  await ended
  expect(seen).toEqual(['0 sent', '1 sent', 'body_too_large'])
  expect(asked.filter((url) => url === '/api/upload')).toHaveLength(2)
})

test('what a full browser doesn’t take is known all the same, rather than what it had before', async () => {
  const { keep, kept } = await load<{
    keep(name: string, value: string): void
    kept(name: string): string | undefined
  }>('kept.ts')
  keep('theme', 'light')
  isFull = true
  keep('theme', 'dark')
  expect(kept('theme')).toBe('dark')
  isFull = false
  keep('theme', 'auto')
  expect([kept('theme'), stored.get('stepgate.theme')]).toEqual(['auto', 'auto'])
})

test('recipes that another build has kept are left aside, whatever their shape', async () => {
  const [mine, others] = [{ ...offer, step_seconds: 9 }, { name: 'edit' }]
  const known = async (visit: string, kept: unknown) => {
    stored.set('stepgate.recipes', JSON.stringify(kept))
    return (await load<{ offerOf(name: string): unknown }>(`recipes.ts?${visit}`)).offerOf('edit')
  }
  const build = new URL('../../web/recipes.ts', import.meta.url).href
  expect(await known('second', { build, offers: [mine] })).toEqual(mine)
  expect(await known('third', { build: 'another', offers: [others] })).toEqual(offer)
  expect(await known('fourth', [others])).toEqual(offer)
})

test('a lasting fault of the server’s is told after half a minute; one that says it will be back is waited for', async () => {
  vi.useFakeTimers()
  const { signal } = new AbortController()
  const answered = (status: number) => async () => {
    throw new StepgateError({ status, code: status === 503 ? 'unavailable' : 'internal', detail: 'no' })
  }
  const ends = { 500: 'waits', 503: 'waits' }
  for (const status of [500, 503] as const)
    void persist(answered(status), { signal, onRetry: () => {} }).catch(() => {
      ends[status] = 'is told'
    })
  await vi.advanceTimersByTimeAsync(60_000)
  vi.useRealTimers()
  expect(ends).toEqual({ 500: 'is told', 503: 'waits' })
})

test('a database of the browser’s that never answers is waited for once, and then no more', async () => {
  const patience = new AbortController()
  const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(patience.signal)
  vi.stubGlobal('indexedDB', { open: () => new EventTarget() })
  const { openStore } = await load<{ openStore(name: string, mode: string): Promise<unknown> }>('store.ts?silent')
  const told: string[] = []
  const ask = () => openStore('drafts', 'readonly').catch(({ message }) => told.push(message))
  const first = ask()
  patience.abort()
  await first
  await ask()
  timeout.mockRestore()
  expect(told).toEqual([expect.stringContaining('no answer in'), expect.stringContaining('does not answer')])
})

test('a draft that the disk had no room for after all is known not to be kept', async () => {
  const { committed } = await load<{ committed(store: object): Promise<void> }>('store.ts?full')
  const transaction = { error: new Error('QuotaExceededError'), onabort: () => {} }
  const writing = committed({ transaction })
  transaction.onabort()
  await expect(writing).rejects.toThrow('QuotaExceededError')
})

test('how long ago is told by the server’s clock, however wrong this device’s is', async () => {
  const { agoInWords, hearClock } = await load<{
    agoInWords(instant: string, language: string): string
    hearClock(response: Response): void
  }>('clock.ts')
  const hours = (count: number) => new Date(Date.now() + count * 3_600_000)
  hearClock(new Response(null, { headers: { date: hours(-3).toUTCString() } }))
  expect(agoInWords(hours(-4.5).toISOString(), 'en')).toBe('1 hour ago')
  hearClock(new Response(null))
  expect(agoInWords(hours(-4.5).toISOString(), 'en')).toBe('1 hour ago')
})

test('a price follows what is chosen, and an outfit’s the number of its garments', async () => {
  const { fewestPhotos, outfitPriceOf, priceOf } = await load<{
    fewestPhotos: Record<string, number>
    outfitPriceOf(garments: number): number | undefined
    priceOf(name: string, steps: number, chosen?: object): number | undefined
  }>('recipes.ts?prices')
  expect([undefined, 4, 10].map((seconds) => priceOf('clip', 2, { seconds }))).toEqual([187_000, 187_000, 367_000])
  expect([1, 2, 6].map(outfitPriceOf)).toEqual([23_000, 31_000, 63_000])
  expect([1, 6].map((steps) => priceOf('try-on', steps))).toEqual([23_000, 138_000])
  expect(priceOf('edit', 1, { image: 'x' })).toBeUndefined()
  const avatar = openRecipes({ hosts: [], allowPrivate: false }).get('avatar')
  for (const [training_type, fewest] of Object.entries(fewestPhotos))
    expect(avatar?.leastPhotos?.({ training_type })).toBe(fewest)
})

test('another way from a picture brings the pieces after it, and none where all were put on at once', () => {
  const task = (total_steps: number) => ({ total_steps }) as TaskView
  expect(stillToCome(task(3), 1, ['shirt', 'trousers', 'jacket'])).toEqual(['trousers', 'jacket'])
  expect(stillToCome(task(1), 1, ['shirt', 'trousers', 'jacket'])).toEqual([])
})
