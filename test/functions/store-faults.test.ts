// A blob store that refuses us, hangs or fails: whoever asks for something of it is told to come back, and nothing of why.
import { expect, test } from 'vitest'
import { resultKey } from '../../core/task.ts'
import { linkFor } from '../../engine/signed-urls.ts'
import { result } from '../../functions/result.ts'
import { start } from '../../functions/start.ts'
import { upload } from '../../functions/upload.ts'
import { StoreFault, StoreRefusal } from '../../storage/store.ts'
import { begun, isOver, pingUntil, rowOf } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'

const clock = testClock()
const app = await useTestDeps({ clock, mounted: true })
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='
const image = `data:image/png;base64,${pixel}`

/** A container whose store does this, whatever it is asked. */
function failing(error: Error) {
  const instance = app.openInstance()
  const fail = () => Promise.reject(error)
  const names = Object.keys(instance.deps.files)
  Object.assign(instance.deps, { files: Object.fromEntries(names.map((name) => [name, fail])) })
  return instance
}

test.each([
  ['refuses our credentials', new StoreRefusal('The blob store refuses our credentials (401)')],
  ['fails', new StoreFault('The blob store answered 500')],
])('a blob store that %s is a 503 in every call that needs it, and the caller hears no more', async (_, error) => {
  const story = await begun(app, { garments: 1 })
  await pingUntil(app, story, isOver, { clock })
  const key = resultKey(story.id, 1, (await rowOf(app, story)).steps[0]?.prediction_id ?? '')
  const link = new URL(await linkFor(app.deps, `file:${key}`, 'marker'))
  const { call } = failing(error)
  const token = story.token
  const answers = await Promise.all([
    call(start, { path: '/api/start', body: { person_image: image, garments: [image] }, token }),
    call(upload, { path: '/api/upload', body: new Uint8Array(Buffer.from(pixel, 'base64')), token }),
    call(result, { path: `/api/result?task_id=${story.id}&step=1`, token }),
    call(result, { path: link.pathname + link.search }),
  ])
  for (const answer of answers) {
    const text = await answer.text()
    expect([answer.status, answer.headers.get('retry-after')], text).toEqual([503, '5'])
    expect(JSON.parse(text)).toMatchObject({ code: 'unavailable' })
    expect(text).not.toMatch(/credential|401|500|blob/i)
  }
  expect(await app.deps.files.stat(key)).toBeDefined()
})
