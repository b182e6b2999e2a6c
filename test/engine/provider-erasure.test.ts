// What erasing a task asks of its provider: fal deletes what it keeps, where the key may ask for it.
import { sql } from 'kysely'
import { expect, test, vi } from 'vitest'
import type { Provider } from '../../core/provider.ts'
import type { Recipe } from '../../core/recipe.ts'
import { finishErasures } from '../../engine/erase.ts'
import { deleteEndpoint } from '../../functions/delete.ts'
import { begun, isOver, ping, pingUntil, type Story } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'

const clock = testClock()
const app = await useTestDeps({ clock })
const trainer = 'fal-ai/flux-lora-portrait-trainer'

async function trained(): Promise<Story> {
  const images_url = 'https://images.test/photos.zip'
  const body = { recipe: 'avatar', training_type: 'portrait', images_url, trigger_phrase: 'ada', steps: 100 }
  const story = await begun(app, { body })
  await pingUntil(app, story, isOver, { clock, every: 60, within: 90_000 })
  return story
}

async function erase({ id, token }: Story): Promise<void> {
  const remove = (more: object) =>
    app.call(deleteEndpoint, { path: '/api/delete', body: { task_id: id, ...more }, token })
  expect((await remove({})).status).toBe(200)
  await app.settle()
}

/** What fal's list still shows of its requests. */
async function keptAtFal(): Promise<unknown[]> {
  const { FAL_API_URL, FAL_KEY } = app.deps.config as unknown as Record<string, string>
  const query = new URLSearchParams({ endpoint_id: trainer, expand: 'payloads', start: '2020-01-01T00:00:00Z' })
  const answer = await fetch(`${FAL_API_URL}/models/requests/by-endpoint?${query}`, {
    headers: { authorization: `Key ${FAL_KEY}` },
  })
  const { items } = (await answer.json()) as { items: { json_input?: unknown }[] }
  return items.map(({ json_input }) => json_input)
}

const left = async () => (await sql`select predictions from erasures`.execute(app.deps.db)).rows

test('an erased task’s request and files are deleted at fal, once', async () => {
  const story = await trained()
  expect(await keptAtFal()).toMatchObject([{ trigger_phrase: 'ada' }])
  await erase(story)
  expect(await keptAtFal()).toEqual([undefined])
  clock.advance(3_600)
  await ping(app)
  expect([app.simulator.fal.till().requests.delete, await left()]).toEqual([1, []])
})

test('a key that may not ask for it ends the asking, and the log says that fal keeps it', async () => {
  app.simulator.fal.set({ is_admin: false })
  const story = await trained()
  await erase(story)
  clock.advance(3_600)
  await ping(app)
  expect([app.simulator.fal.till().requests.delete, await left()]).toEqual([1, []])
  expect(app.logged).toContainEqual(
    expect.objectContaining({ task: story.id, provider: 'fal', reason: expect.stringContaining('Admin') }),
  )
})

/** Runs with a fal that says what it is asked to delete, when it is asked. */
async function whileAsked(erase: NonNullable<Provider['erase']>, work: () => Promise<unknown>): Promise<void> {
  const { providers } = app.deps
  const fal = { ...(providers.get('fal') as Provider), erase }
  Object.assign(app.deps, { providers: new Map([...providers, ['fal', fal]]) })
  await work()
  Object.assign(app.deps, { providers })
}

const silent = { kind: 'unreachable', reason: 'no answer' } as const

test('a provider that is silent keeps no file from being deleted', async () => {
  const story = await trained()
  const files = () => app.deps.files.keys(`results/${story.id}/`)
  expect(await files()).not.toEqual([])
  let whenAsked: string[] | undefined
  const ask = async () => {
    whenAsked = await files()
    return silent
  }
  await whileAsked(ask, () => erase(story))
  expect(whenAsked).toEqual([])
})

test('an erasure asks for no more than it has time for, and the next pass goes on', async () => {
  await sql`delete from erasures`.execute(app.deps.db)
  const predictions = JSON.stringify(['one', 'two', 'three'].map((id) => ({ provider: 'fal', id })))
  await sql`insert into erasures (kind, predictions, noted_at, quiet_at, due_at)
    select 'task', ${predictions}::jsonb, at, at, at from (select ${clock.now()}::timestamptz as at) as noted`.execute(
    app.deps.db,
  )
  const asked: string[] = []
  const time = vi.spyOn(performance, 'now').mockReturnValue(0)
  const ask = async (id: string) => {
    asked.push(id)
    time.mockReturnValue(1_000)
    return silent
  }
  await whileAsked(ask, () => finishErasures(app.deps, 1_000))
  time.mockRestore()
  expect(asked).toEqual(['one'])
  expect(await left()).toEqual([{ predictions: JSON.parse(predictions) }])
})

test('an attempt whose create had no answer is looked for by the model that it was sent to, whichever provider is preferred by now', async () => {
  const { recipes } = app.deps
  const edit = recipes.get('edit') as Recipe
  Object.assign(app.deps, { recipes: new Map([['edit', edit.elsewhere?.[0] as Recipe]]) })
  app.simulator.fal.addFaults([{ on: 'create', fault: 'reset_after', provider: 'fal' }])
  const story = await begun(app, {
    body: { recipe: 'edit', image: 'https://images.test/room.jpg', prompt: 'a chair' },
  })
  Object.assign(app.deps, { recipes })
  await erase(story)
  const { rows } = await sql`select phase, input from tasks where id = ${story.id}`.execute(app.deps.db)
  expect(rows).toEqual([{ phase: 'unconfirmed', input: { model: 'fal-ai/nano-banana-2/edit', marked: true } }])
})
