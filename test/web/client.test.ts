// The client in Node, over HTTP, against the real endpoints.
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { start } from '../../functions/start.ts'
import { createClient, StepgateError, type TaskView, type Trouble } from '../../web/client.ts'
import { useTestDeps } from '../setup/deps.ts'

const clock = flowing()
const app = await useTestDeps({ mounted: true, clock })

/** Time flows, and tests may skip ahead in it. */
function flowing() {
  let ahead = 0
  return {
    now: () => new Date(Date.now() + ahead),
    advance: (seconds: number) => {
      ahead += seconds * 1000
    },
  }
}

async function openClient(more: Partial<Parameters<typeof createClient>[0]> = {}) {
  const { token } = await createClient({ baseUrl: app.address }).session()
  return createClient({ baseUrl: app.address, token, ...more })
}

const pictureFile = new URL('../../web/public/samples/person.jpg', import.meta.url)
const picture = `data:image/jpeg;base64,${(await readFile(pictureFile)).toString('base64')}`
const request = (garments: number) => ({
  recipe: 'try-on' as const,
  person_image: picture,
  garments: Array.from({ length: garments }, () => ({ image: picture })),
})

/** Wakes the watch whenever it pauses, with everybody's clock some seconds on: nothing waits in real time. */
const hurry = (wake: () => void) => {
  clock.advance(3)
  const timer = setTimeout(wake, 5)
  return () => clearTimeout(timer)
}

test('start, watch, continue, redo, result: a task to its end', async () => {
  const client = await openClient()
  const { task_id, total_steps } = await client.start(request(2))
  expect(total_steps).toBe(2)
  const seen: string[] = []
  let hasRedone = false
  for await (const task of client.watch(task_id, { onWake: hurry })) {
    seen.push(`${task.status} ${task.current_step}`)
    if (task.status !== 'waiting_continue') continue
    const moved = hasRedone ? await client.continue(task_id, { step: 1 }) : await client.redo(task_id, { step: 1 })
    // The next step begins with the click; once more is left to a pass.
    expect(moved.status).toBe(hasRedone ? 'processing' : 'pending')
    hasRedone = true
  }
  expect(seen.filter((one) => one.startsWith('waiting'))).toHaveLength(2)
  expect(seen.at(-1)).toBe('completed 2')
  const { result_url } = await client.status(task_id)
  expect((await client.result(result_url ?? '')).type).toBe('image/png')
  expect((await client.tasks({ limit: 5 })).tasks.map((task) => task.task_id)).toEqual([task_id])
})

test('watch: what was seen already is not given again, and an unchanged task costs an empty answer', async () => {
  const answers: number[] = []
  const client = await openClient({
    fetch: async (input, init) => {
      const answer = await fetch(input, init)
      answers.push(answer.status)
      return answer
    },
  })
  const { task_id } = await client.start(request(2))
  const until = async (status: string) => {
    for await (const task of client.watch(task_id, { onWake: hurry })) if (task.status === status) return task
    throw new Error(`never ${status}`)
  }
  const seen = await until('waiting_continue')
  const leaving = new AbortController()
  answers.length = 0
  const views: TaskView[] = []
  for await (const view of client.watch(task_id, {
    seen,
    signal: leaving.signal,
    onWake: (wake) => {
      if (answers.length === 3) leaving.abort()
      return hurry(wake)
    },
  }))
    views.push(view)
  expect(views).toHaveLength(1)
  expect(answers).toEqual([200, 304, 304])
})

test('watch: troubles are told, got over, and told to be over', async () => {
  let broken = 0
  const client = await openClient({
    fetch: (input, init) => {
      if (String(input).includes('/api/status') && broken < 3) {
        broken += 1
        return Promise.reject(new TypeError('fetch failed'))
      }
      return fetch(input, init)
    },
  })
  const { task_id } = await client.start(request(1))
  const troubles: (Trouble | undefined)[] = []
  const options = { onWake: hurry, onTrouble: (trouble: Trouble | undefined) => troubles.push(trouble) }
  for await (const task of client.watch(task_id, options)) if (task.status === 'completed') break
  expect(troubles.map((trouble) => trouble?.retryInMs)).toEqual([1_000, 2_000, 4_000, undefined])
  expect(troubles[0]?.error).toBeInstanceOf(StepgateError)
})

test('watchTasks: one request shows all tasks, and it ends when none of them is open', async () => {
  const client = await openClient()
  for (const garments of [1, 1]) await client.start({ ...request(garments), auto_continue: true })
  let last: string[] = []
  for await (const { tasks } of client.watchTasks({}, { onWake: hurry })) last = tasks.map(({ status }) => status)
  expect(last).toEqual(['completed', 'completed'])
})

test('refusals are one class, with the code, the words and the wrong fields', async () => {
  const client = await openClient()
  const refused = (call: Promise<unknown>) =>
    call.then(
      () => undefined,
      (error: unknown) => error as StepgateError,
    )
  const invalid = await refused(client.start({ ...request(1), garments: [] }))
  expect(invalid).toMatchObject({ status: 400, code: 'invalid_request', isPassing: false })
  expect(invalid?.errors[0]?.path).toBe('garments')
  const { task_id } = await client.start(request(1), { idempotencyKey: 'one' })
  expect((await client.start(request(1), { idempotencyKey: 'one' })).task_id).toBe(task_id)
  expect(await refused(client.start(request(2), { idempotencyKey: 'one' }))).toMatchObject({
    code: 'idempotency_mismatch',
  })
  expect((await client.cancel(task_id)).status).toBe('canceled')
  expect(await refused(client.cancel(task_id))).toMatchObject({ status: 409, code: 'already_finished' })
  expect(await refused(createClient({ baseUrl: app.address }).tasks())).toMatchObject({ code: 'unauthenticated' })
  const nowhere = createClient({ baseUrl: 'http://127.0.0.1:9' })
  expect(await refused(nowhere.session())).toMatchObject({ status: 0, code: 'unreachable', isPassing: true })
})

test('a token may be asked for anew before every request', async () => {
  const tokens = [await openClient().then(() => app.signIn('ann')), await app.signIn('bob')]
  const client = createClient({ baseUrl: app.address, token: () => tokens.shift() })
  const { task_id } = await client.start(request(1))
  await expect(client.status(task_id)).rejects.toMatchObject({ code: 'not_found' })
})

test('an answer that is not the functions’ own is no crash', async () => {
  const answer = (body: string, status: number, type: string) =>
    createClient({ fetch: () => Promise.resolve(new Response(body, { status, headers: { 'content-type': type } })) })
  await expect(answer('<h1>Bad gateway</h1>', 502, 'text/html').session()).rejects.toMatchObject({
    code: 'unexpected',
    isPassing: true,
  })
  await expect(answer('{"half', 200, 'application/json').session()).rejects.toMatchObject({ code: 'unreachable' })
})

test('a refusal for money says what it would cost, what is left, and until when', async () => {
  const { call, signIn } = app.openInstance({ env: { BUDGET_PER_DAY: '0.03' } })
  const token = await signIn('ada')
  const send: typeof fetch = (url, init) => call(start, { path: String(url), body: String(init?.body), token })
  const client = createClient({ baseUrl: app.address, token, fetch: send })
  const refusal = await client.start(request(2)).catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(StepgateError)
  expect(refusal).toMatchObject({
    ...{ code: 'budget_exceeded', askedMicros: 46_000, leftMicros: 30_000 },
    resetsAt: expect.stringMatching(/T00:00:00\.000Z$/),
  })
})
