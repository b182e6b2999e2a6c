// An avatar from its photos to its files: the zip is checked where it is ours, the weights are copied over several passes, and both
// files are shown and served.

import { unzipSync, zipSync } from 'fflate'
import { beforeEach, expect, test } from 'vitest'
import { result } from '../../functions/result.ts'
import { start } from '../../functions/start.ts'
import { status } from '../../functions/status.ts'
import { upload } from '../../functions/upload.ts'
import { webhook } from '../../functions/webhook.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import { begun, isOver, ping, pingUntil, rowOf, type Story, viewOf } from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock, env: { PUBLIC_URL: 'https://stepgate.test' } })
const { fal } = app.simulator
const mebi = 1024 * 1024
const request = { recipe: 'avatar', training_type: 'portrait', trigger_phrase: 'ohwx' }
const foreign = { ...request, images_url: 'https://images.test/photos.zip' }
const pixel = new Uint8Array(
  Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  ),
)
const photos = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`${at}.png`, pixel]))
const zip = zipSync(photos(10), { level: 0 })

beforeEach(() => {
  fal.reset()
  fal.set({ webhooks: false, weights_bytes: 20_000 })
})

const pace = { clock, every: 20, within: 900 }
const see = async ({ id, token }: Story) => viewOf(await app.call(status, { path: `/api/status?task_id=${id}`, token }))

test('weights and configuration are stored, listed in the view, and served under their names', async () => {
  const story = await begun(app, { body: foreign })
  await pingUntil(app, story, isOver, pace)
  const view = await see(story)
  const [weights, config] = view.steps[0]?.files ?? []
  const url = `/api/result?task_id=${story.id}&step=1&attempt=1`
  expect(view).toMatchObject({ status: 'completed', result_url: url })
  expect(weights).toEqual({
    ...{ name: 'avatar-step-1.safetensors', type: 'application/x-safetensors' },
    ...{ size: 20_000, url },
  })
  expect(config).toEqual({
    ...{ name: 'avatar-step-1-2.json', type: 'application/json' },
    ...{ size: expect.any(Number), url: `${url}&file=2` },
  })
  const served = await app.call(result, { path: `${config?.url}&download=1`, token: story.token })
  expect(served.headers.get('content-disposition')).toContain('avatar-step-1-2.json')
  expect(await served.json()).toMatchObject({ trainer: 'fal-ai/flux-lora-portrait-trainer', trigger_phrase: 'ohwx' })
  expect((await app.call(result, { path: `${url}&file=3`, token: story.token })).status).toBe(404)
})

test('weights that no single pass can copy are copied over several, and nothing is shown before they are whole', async () => {
  fal.set({ weights_bytes: 30 * mebi })
  const hasty = app.openInstance({ env: { PUBLIC_URL: 'https://stepgate.test' }, config: { COPY_SECONDS: 0 } })
  const story = await begun(hasty, { body: foreign })
  clock.advance(60)
  const passes: (string | null)[] = []
  while (!isOver(await rowOf(app, story)) && passes.length < 10) {
    await ping(hasty)
    const { phase, result_url } = await rowOf(app, story)
    passes.push(phase)
    if (phase) expect(result_url).toBeNull()
    clock.advance(1)
  }
  // The last of them for the file beside the weights.
  expect(passes).toEqual(['storing', 'storing', 'storing', null])
  const view = await see(story)
  expect(view.steps[0]?.files[0]).toMatchObject({ size: 30 * mebi })
  const range = { range: `bytes=${30 * mebi - 4}-` }
  const end = await app.call(result, { path: view.result_url ?? '', token: story.token, headers: range })
  expect(end.status).toBe(206)
  expect((await end.bytes()).byteLength).toBe(4)
})

test('a webhook begins the copy, and what it leaves is gone on with by the next pass, not by the next look', async () => {
  fal.set({ weights_bytes: 30 * mebi, webhooks: true })
  const hasty = app.openInstance({ env: { PUBLIC_URL: 'https://stepgate.test' }, config: { COPY_SECONDS: 0 } })
  const story = await begun(hasty, { body: foreign })
  clock.advance(50)
  for (const delivery of await fal.dueWebhooks()) {
    const { pathname, search } = new URL(delivery.url)
    const { headers, body } = delivery
    const answer = await hasty.call(webhook, { path: pathname + search, method: 'POST', headers, body })
    fal.reportWebhook(delivery, answer.ok)
  }
  await hasty.settle()
  const { due_at } = await rowOf(app, story)
  expect(due_at?.getTime()).toBe(clock.now().getTime())
  for (let pass = 0; pass < 3 && !isOver(await rowOf(app, story)); pass += 1) {
    await ping(hasty)
    clock.advance(1)
  }
  expect(await rowOf(app, story)).toMatchObject({ status: 'completed' })
})

test('weights that fal still promises but never gives are given up past the limit, asked for ever more seldom', async () => {
  fal.addFaults([{ on: 'file', fault: 'not_found', times: 10_000 }])
  const story = await begun(app, { body: foreign })
  const row = await pingUntil(app, story, isOver, { clock, every: 1_800, within: 26 * 3_600 })
  expect(row).toMatchObject({ status: 'failed', error_code: 'result_lost', due_at: null })
  expect(clock.now().getTime() - row.created_at.getTime()).toBeGreaterThanOrEqual(24 * 3_600_000)
})

test('where an answer is limited, larger files come in ranges', async () => {
  fal.set({ weights_bytes: 3 * mebi })
  const limited = app.openInstance({ config: { ANSWER_LIMIT_MB: 1 } })
  const story = await begun(app, { body: foreign })
  const { result_url } = await pingUntil(app, story, isOver, pace)
  const get = (range?: string) =>
    limited.call(result, { path: result_url ?? '', token: story.token, ...(range && { headers: { range } }) })
  const refused = await get()
  expect([refused.status, refused.headers.get('accept-ranges')]).toEqual([416, 'bytes'])
  expect(await refused.json()).toMatchObject({
    code: 'range_not_satisfiable',
    detail: expect.stringContaining('0-1048575'),
  })
  const pieces: Buffer[] = []
  for (let at = 0; at < 3 * mebi; at += pieces.at(-1)?.byteLength ?? 3 * mebi) {
    const piece = await get(`bytes=${at}-`)
    expect(piece.status).toBe(206)
    pieces.push(Buffer.from(await piece.bytes()))
  }
  expect(pieces.map((piece) => piece.byteLength)).toEqual([mebi, mebi, mebi])
  const whole = await app.call(result, { path: result_url ?? '', token: story.token })
  expect(Buffer.concat(pieces).equals(Buffer.from(await whole.bytes()))).toBe(true)
})

test('a zip file that was uploaded is given to fal by a link of our own', async () => {
  const token = await app.signIn('ada')
  const { url } = (await (await app.call(upload, { path: '/api/upload', body: zip, token })).json()) as { url: string }
  await begun(app, { body: { ...request, images_url: url } })
  const [training] = fal.till().predictions
  const address = String(training?.input['images_data_url'])
  expect(training?.input).toMatchObject({ data_archive_format: 'zip' })
  expect(address).toMatch(/^https:\/\/stepgate\.test\/api\/result\?file=inputs.*&marker=/)
  const served = await app.call(result, { path: address.replace('https://stepgate.test', '') })
  expect(served.headers.get('content-type')).toBe('application/zip')
  expect(Object.keys(unzipSync(await served.bytes()))).toHaveLength(10)
})

const dataUri = (type: string, bytes: Uint8Array) => `data:${type};base64,${Buffer.from(bytes).toString('base64')}`

test('a zip file inside the request is stored as one', async () => {
  const story = await begun(app, { body: { ...request, images_url: dataUri('application/zip', zip) } })
  expect((await rowOf(app, story)).input).toMatchObject({ images_url: `file:inputs/${story.id}/1` })
})

test.each([
  ['what only says that it is a zip file', dataUri('application/zip', Buffer.from('PKnot really a zip file'))],
  ['an upload that is not there', '/api/upload?id=2026030112-0123456789abcdef0123456789abcdef'],
])('%s is refused at start, and the field named', async (_name, images_url) => {
  const token = await app.signIn('ada')
  const answer = await app.call(start, { path: '/api/start', body: { ...request, images_url }, token })
  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({ code: 'invalid_request', errors: [{ path: 'images_url' }] })
})

test('an uploaded picture is no zip file, and an uploaded zip file no picture', async () => {
  const token = await app.signIn('ada')
  const put = async (bytes: Uint8Array<ArrayBuffer>) =>
    ((await (await app.call(upload, { path: '/api/upload', body: bytes, token })).json()) as { url: string }).url
  const picture = await put(pixel)
  const archive = await put(new Uint8Array(zip))
  const tryOn = { person_image: archive, garments: [picture] }
  for (const body of [{ ...request, images_url: picture }, tryOn]) {
    const answer = await app.call(start, { path: '/api/start', body, token })
    expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ code: 'invalid_request' })])
  }
})
