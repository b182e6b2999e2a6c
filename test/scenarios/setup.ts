// What stories are told with: people who start and click, pings, webhooks that arrive, and the row and the till at the end.
import { sql } from 'kysely'
import { expect } from 'vitest'
import type { TaskView } from '../../core/answers.ts'
import type { Endpoint } from '../../engine/deps.ts'
import { start } from '../../functions/start.ts'
import { worker } from '../../functions/worker.ts'
import type { Http } from '../../providers/http.ts'
import type { FaultInput } from '../../simulator/faults.ts'
import type { Client } from '../setup/client.ts'
import type { TestClock } from '../setup/clock.ts'
import { cronSecret, type Instance, type TestDeps } from '../setup/deps.ts'
import type { Row } from '../setup/factory.ts'

export interface StartOptions {
  /** Number of garments, and so of steps. */
  garments?: number
  auto_continue?: boolean
  user?: string
  headers?: Record<string, string>
  /** The whole request, of any recipe; instead of garments. */
  body?: object
}

/** A started task and its owner's token. */
export interface Story {
  id: string
  token: string
}

/** Garments with addresses of their own, so that the till shows which step of which task was paid. */
export const inputOf = (garments = 1, name = 'ada') => ({
  person_image: `https://images.test/${name}.jpg`,
  garments: Array.from({ length: garments }, (_, index) => `https://images.test/${name}/garment-${index + 1}.png`),
})

/** Answered, with its own pass perhaps still under way. */
export async function begin(app: Client, options: StartOptions = {}): Promise<Story> {
  const { garments = 1, auto_continue = false, user = 'ada', headers = {} } = options
  const token = await app.signIn(user)
  const body = options.body ?? { ...inputOf(garments, user), auto_continue }
  const answer = await app.call(start, { path: '/api/start', body, token, headers })
  const { task_id } = (await answer.json()) as { task_id: string }
  expect(answer.status).toBe(202)
  return { id: task_id, token }
}

/** Started, and what start itself goes on with is over: usually the first step is submitted. */
export async function begun(app: Client, options: StartOptions = {}): Promise<Story> {
  const story = await begin(app, options)
  await app.settle()
  return story
}

/** Continue, redo or cancel. */
export function press(app: Client, endpoint: Endpoint, { id, token }: Story, more: object = {}): Promise<Response> {
  return app.call(endpoint, { path: '/api/press', body: { task_id: id, ...more }, token })
}

export const viewOf = async (answer: Response) => (await answer.json()) as TaskView

export async function ping(app: Client, endpoint: Endpoint = worker): Promise<Record<string, unknown>> {
  const answer = await app.call(endpoint, { path: '/api/ping', token: cronSecret })
  expect(answer.status).toBe(200)
  await app.settle()
  return (await answer.json()) as Record<string, unknown>
}

/** The row itself: reading it moves nothing, unlike a status poll. */
export async function rowOf(app: Instance, { id }: { id: string }): Promise<Row> {
  const { rows } = await sql<Row>`select * from tasks where id = ${id}`.execute(app.deps.db)
  if (!rows[0]) throw new Error(`no task ${id}`)
  return rows[0]
}

export interface Pace {
  clock: TestClock
  /** Between two pings. */
  every?: number
  endpoint?: Endpoint
  /** How much time may pass before the story is stuck. */
  within?: number
}

/** Pings until the task's row is as wished, and gives it back. */
export async function pingUntil(app: Instance, story: Story, done: (row: Row) => boolean, pace: Pace): Promise<Row> {
  const { clock, every = 5, endpoint = worker, within = 600 } = pace
  for (let passed = 0; ; passed += every) {
    const row = await rowOf(app, story)
    if (done(row)) return row
    if (passed > within)
      throw new Error(`after ${passed} s of pings: ${JSON.stringify({ ...row, input: undefined }, null, 1)}`)
    clock.advance(every)
    await ping(app, endpoint)
  }
}

export const isOver = (row: Row): boolean => row.finished_at !== null
export const isResting = (row: Row): boolean => row.finished_at !== null && row.due_at === null
export const isWaiting = (row: Row): boolean => row.status === 'waiting_continue'

/** Sends the provider's webhooks that are due by now, and waits until the endpoints have done everything about them. */
export async function deliverWebhooks(app: TestDeps, clock: TestClock): Promise<void> {
  const { replicate, url } = app.simulator
  const left = () => {
    const next = replicate.nextWebhookAt()
    const { sent, delivered, refused } = replicate.till().webhooks
    return { inFlight: sent - delivered - refused, due: next !== null && next <= clock.now() }
  }
  // Any request wakes the simulator, which otherwise doesn't know that the clock was moved.
  await fetch(`${url}/_simulator/till`)
  await expect.poll(left, { interval: 2 }).toEqual({ inFlight: 0, due: false })
  await app.settle()
}

export const fault = (app: TestDeps, ...faults: FaultInput[]): void => app.simulator.replicate.addFaults(faults)

/** What a story cost: creates sent, predictions made, and those that were canceled for us. */
export function costs(app: TestDeps) {
  const { create_requests, created, predictions } = app.simulator.replicate.till()
  return { sent: create_requests, created, canceled: predictions.filter(({ canceled }) => canceled).length }
}

/** Holds requests that fit, once they are answered (or before they are sent), until they are let go. */
export function barrier(at: 'before' | 'after', fits: (url: string, method: string) => boolean) {
  const reached = Promise.withResolvers<void>()
  const open = Promise.withResolvers<void>()
  const hold = async () => {
    reached.resolve()
    await open.promise
  }
  const http = (real: Http): Http => ({
    ...real,
    send: async (request) => {
      const isHeld = fits(request.url, request.method)
      if (isHeld && at === 'before') await hold()
      const answer = await real.send(request)
      if (isHeld && at === 'after') await hold()
      return answer
    },
    download: async (url, signal, start) => {
      if (fits(url, 'GET')) await hold()
      return real.download(url, signal, start)
    },
  })
  return { http, reached: reached.promise, open: open.resolve }
}

export const isCreate = (url: string, method: string): boolean => method === 'POST' && url.endsWith('/predictions')
