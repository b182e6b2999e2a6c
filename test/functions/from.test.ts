// A stored result as another task's input: `from`, and its address in every spelling. It is copied, nothing is paid again, and no provider is
// sent to an address of ours that it can't open.
import { expect, test } from 'vitest'
import { resultKey } from '../../core/task.ts'
import { cancel } from '../../functions/cancel.ts'
import { redo } from '../../functions/redo.ts'
import { share } from '../../functions/share.ts'
import { start } from '../../functions/start.ts'
import { begun, costs, fault, isOver, isWaiting, pingUntil, press, rowOf, type Story } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'

const clock = testClock()
const app = await useTestDeps({ clock, env: { PUBLIC_URL: 'https://stepgate.example' } })
const garments = ['https://images.test/coat.png']

async function waiting(user = 'ada'): Promise<Story> {
  const story = await begun(app, { garments: 2, user })
  await pingUntil(app, story, isWaiting, { clock })
  return story
}

/** The link to what step 1 shows. */
async function shared({ id, token }: Story): Promise<string> {
  const answer = await app.call(share, { path: '/api/share', body: { task_id: id, step: 1 }, token })
  return ((await answer.json()) as { url: string }).url
}

const begin = ({ token }: Story, body: object, headers: Record<string, string> = {}) =>
  app.call(start, { path: '/api/start', body, token, headers })

async function bytesOf(key: string): Promise<Buffer> {
  const found = await app.deps.files.read(key)
  if (!found) throw new Error(`${key} is not stored`)
  return Buffer.from(await new Response(found.body).bytes())
}

/** Of step 1's attempt, as it was stored. */
async function made(story: Story, attempt: number): Promise<Buffer> {
  const [first] = (await rowOf(app, story)).steps
  const record = [first, ...(first?.past ?? [])].find((one) => one?.attempt === attempt)
  return bytesOf(resultKey(story.id, 1, record?.prediction_id ?? ''))
}

test('a task begun from a result has a copy of it for its person, and pays for its own steps alone', async () => {
  const story = await waiting()
  await press(app, redo, story, { step: 1, attempt: 1 })
  await app.settle()
  await pingUntil(app, story, isWaiting, { clock })
  const before = costs(app).sent
  const from = { task_id: story.id, step: 1, attempt: 1 }
  const answer = await begin(story, { from, garments }, { 'idempotency-key': 'fork' })
  const { task_id: id } = (await answer.json()) as { task_id: string }
  expect(answer.status).toBe(202)
  expect((await bytesOf(`inputs/${id}/1`)).equals(await made(story, 1))).toBe(true)
  expect((await rowOf(app, { id })).input).toMatchObject({ person_image: `file:inputs/${id}/1` })
  const again = await begin(story, { from, garments }, { 'idempotency-key': 'fork' })
  expect([again.status, await again.json()]).toMatchObject([200, { task_id: id }])
  await app.settle()
  await pingUntil(app, { id, token: story.token }, isOver, { clock })
  expect(costs(app).sent).toBe(before + 1)
})

test('from is taken at a gate and after any end, and with it the chosen attempt', async () => {
  const story = await waiting()
  await press(app, cancel, story)
  await app.settle()
  expect((await begin(story, { from: { task_id: story.id, step: 1 }, garments })).status).toBe(202)
  await app.settle()
})

test('a result is the same in every spelling, as a person and as a garment', async () => {
  const story = await waiting()
  const path = `/api/result?task_id=${story.id}&step=1`
  const link = await shared(story)
  const spellings = [
    ...[link, `${link}&picture=after`, link.replace('https://stepgate.example', '')],
    ...[path, `${path}&attempt=1`, `${path}&attempt=1&file=1&download=1`, `/api//result/?step=1&task_id=${story.id}`],
    ...[`https://stepgate.example${path}`, `http://stepgate.example.${path}`, `https://STEPGATE.example:443${path}#x`],
    ...[`https://stepgate.example:8443${path}`, `https://stepgate.example/API/Result${path.slice(11)}`],
    `https://stepgate.example/.netlify/functions/result${path.slice(11)}`,
    ...[`http://stepgate.test${path}`, `https://stepgate.example/api/%72esult?task_id=${story.id}&step=1&attempt=1`],
  ]
  for (const person_image of spellings) {
    const answer = await begin(story, { person_image, garments: [person_image] })
    const { task_id: id, detail } = (await answer.json()) as { task_id: string; detail?: string }
    expect([answer.status, detail], person_image).toEqual([202, undefined])
    const copies = [await bytesOf(`inputs/${id}/1`), await bytesOf(`inputs/${id}/2`)]
    for (const copy of copies) expect(copy.equals(await made(story, 1)), person_image).toBe(true)
    await press(app, cancel, { id, token: story.token })
  }
  await app.settle()
})

test.each(['status?task_id=1', 'tasks', 'result?file=results/a&expires=9&signature=x', 'result', 'unknown'])(
  'an address of ours that is no picture is refused: /api/%s',
  async (path) => {
    const story = await waiting()
    for (const origin of ['', 'https://stepgate.example']) {
      const answer = await begin(story, { person_image: `${origin}/api/${path}`, garments })
      expect([answer.status, await answer.json()]).toMatchObject([400, { errors: [{ path: 'person_image' }] }])
    }
  },
)

test('another person’s result is a 404 like none, and one that isn’t stored a 409; nothing is started', async () => {
  fault(app, { on: 'outcome', fault: 'failed' })
  const failed = await begun(app, { user: 'ada' })
  await pingUntil(app, failed, isOver, { clock })
  const [own, foreign] = [await waiting(), await waiting('eve')]
  const running = await begun(app, { user: 'ada' })
  const paid = costs(app).sent
  const cases: [object, number, string, string][] = [
    [{ from: { task_id: foreign.id, step: 1 } }, 404, 'not_found', 'from'],
    [{ from: { task_id: crypto.randomUUID(), step: 1 } }, 404, 'not_found', 'from'],
    [{ from: { task_id: failed.id, step: 1 } }, 409, 'not_choosable', 'from'],
    [{ from: { task_id: running.id, step: 1 } }, 409, 'not_choosable', 'from'],
    [{ from: { task_id: own.id, step: 2 } }, 409, 'not_choosable', 'from'],
    [{ from: { task_id: own.id, step: 1, attempt: 2 } }, 409, 'not_choosable', 'from'],
    [{ from: { task_id: own.id, step: 1, file: 2 } }, 409, 'not_choosable', 'from'],
    [{ from: { task_id: own.id } }, 400, 'invalid_request', 'from.step'],
    [{ from: { task_id: own.id, step: 1 }, person_image: garments[0] }, 400, 'invalid_request', 'from'],
    [{ from: { task_id: own.id, step: 1 }, recipe: 'memes', prompts: ['a cat'] }, 400, 'invalid_request', 'from'],
    [{ person_image: `/api/result?task_id=${foreign.id}&step=1` }, 404, 'not_found', 'person_image'],
    [{ person_image: await shared(foreign) }, 404, 'not_found', 'person_image'],
    [{ person_image: `/api/share?id=${'x'.repeat(22)}` }, 404, 'not_found', 'person_image'],
    [{ person_image: `${await shared(own)}&picture=before` }, 400, 'invalid_request', 'person_image'],
    [{ person_image: `/api/result?task_id=${own.id}&step=1&attempt=9` }, 409, 'not_choosable', 'person_image'],
    [{ from: { task_id: own.id, step: 1 }, candidates: 2 }, 400, 'invalid_request', 'candidates'],
  ]
  for (const [body, status, code, path] of cases) {
    const recipe = (body as { recipe?: string }).recipe
    const answer = await begin(own, { ...(!recipe && { garments }), ...body })
    expect([answer.status, await answer.json()], JSON.stringify(body)).toMatchObject([
      status,
      { code, errors: [{ path }] },
    ])
  }
  await app.settle()
  expect(costs(app).sent).toBe(paid)
})

test('candidates are one prediction, all of them stored, and paid as many times', async () => {
  const story = await begun(app, { body: { recipe: 'memes', prompts: ['a cat'], candidates: 3 } })
  const { steps, prices, settled_micros } = await pingUntil(app, story, isOver, { clock })
  expect([steps[0]?.files?.length, prices, settled_micros, costs(app).sent]).toEqual([3, [9_000], 9_000, 1])
})
