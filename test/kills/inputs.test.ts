// A process that is killed with -9 while a start stores its files, between that and the insert of the task's row, and while a sweep
// removes what such starts, and tasks that are long over, have left. Nothing is paid twice, and nothing of a living task is touched.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { v7 } from 'uuid'
import { afterAll, expect, test, vi } from 'vitest'
import { insertTask } from '../setup/factory.ts'
import { openHold } from './hold.ts'
import { type Instance, openField, ping, signIn, until } from './instances.ts'

vi.setConfig({ testTimeout: 400_000 })

const photo = await readFile(join(import.meta.dirname, '..', 'storage', 'cases', 'gps-exif-6.jpg'))
const image = `data:image/jpeg;base64,${photo.toString('base64')}`

/** Which calls of the store wait, and those that do. Whoever they belong to is killed: none goes on. */
let holds: (method: string, path: string) => boolean = () => false
let held: { path: string; cut(): void }[] = []
const admit = async (method: string, path: string) => {
  if (!holds(method, path)) return
  const { promise, reject } = Promise.withResolvers<void>()
  held.push({ path, cut: () => reject(new Error('its process was killed')) })
  await promise
}

const field = await openField({ instances: 1, secondsPerStep: 0.2, store: 'netlify', admit })
const { replicate } = field.simulator
const pool = field.database.pool()
const { db } = await field.database.connect()
const inserts = await openHold(pool, 'tasks', 'insert')
const files = field.openStore('files')
afterAll(() => field.close())

test('killed while it stores inputs, or before their row: the retry starts one task, and a sweep removes what is left', async () => {
  // 1. One start dies after its first file, another one when all its files are stored.
  const first = await field.start()
  const [ada, eve] = [await signIn(first), await signIn(first)]
  const unanswered = [start(first, ada)]
  holds = (method, path) => method === 'PUT' && /\/inputs\/[^/]+\/2\/0$/.test(path)
  await until(() => held.length > 0)
  const [{ path: unwritten } = { path: '' }] = held
  holds = (_method, path) => path === unwritten
  await inserts.arm()
  unanswered.push(start(first, eve))
  await inserts.untilHeld()
  await kill(first, unanswered)
  await inserts.cut()
  expect([await count('tasks'), replicate.till().create_requests]).toEqual([0, 0])
  const orphans = await keysOf('inputs/')
  expect(orphans).toHaveLength(4)
  expect(await keysOf('starts/')).toHaveLength(2)

  // 2. Both people repeat their request, with the same key. The notes outlive their starts.
  const second = await field.start()
  holds = (method, path) => method === 'DELETE' && path.includes('/starts/')
  const started = [await start(second, ada), await start(second, eve)]
  expect(started.map(({ status }) => status)).toEqual([202, 202])
  expect((await start(second, ada)).status).toBe(200)
  await untilAll(second, 'waiting_continue', 2)
  expect([await count('tasks'), replicate.till().created]).toEqual([2, 2])
  const kept = [...(await keysOf('inputs/')).filter((key) => !orphans.includes(key)), ...(await keysOf('results/'))]
  expect(kept).toHaveLength(8)

  // 3. Hours later a sweep misses two tasks, and notes them anew. No ping of before sweeps any more.
  await kill(second, [])
  holds = () => false
  await age(await keysOf('starts/'))
  const third = await field.start()
  await ping(third, 'recover')
  expect([await leftOf(orphans), (await keysOf('starts/')).length]).toEqual([4, 2])

  // Hours and weeks later, the next sweep dies when it has removed one file of each.
  const old = await insertOld()
  await age(await keysOf('starts/'))
  holds = holdRemovals()
  const sweeping = ping(third, 'recover')
  await until(async () => (await leftOf(orphans)) === 2 && (await leftOf(old)) === 1)
  await kill(third, [])
  await sweeping
  holds = () => false
  expect([await keysOf('inputs/'), await keysOf('results/')].flat()).toEqual(expect.arrayContaining(kept))
  expect([await leftOf(orphans), await leftOf(old)]).toEqual([2, 1])
  expect((await pool.query('select from erasures')).rowCount).toBe(1)

  // 4. The next one ends it, and the living go on to their end.
  const fourth = await field.start()
  await ping(fourth, 'recover')
  expect([...(await keysOf('inputs/')), ...(await keysOf('results/'))]).toEqual(kept)
  expect([await keysOf('starts/'), (await pool.query('select from erasures')).rowCount]).toEqual([[], 0])
  for (const [index, headers] of [ada, eve].entries()) {
    const { task_id } = started[index] ?? {}
    expect((await post(fourth, '/api/continue', headers, { task_id, step: 1 })).status).toBe(202)
  }
  await untilAll(fourth, 'completed', 2)
  expect([await count('tasks'), replicate.till().created]).toEqual([2, 4])
})

async function start(instance: Instance, headers: Record<string, string>) {
  const body = { person_image: image, garments: [image, image] }
  const response = await post(instance, '/api/start', { ...headers, 'idempotency-key': 'the-same' }, body)
  const { task_id } = (await response.json()) as { task_id: string }
  return { status: response.status, task_id }
}

const post = (instance: Instance, path: string, headers: Record<string, string>, body: object) =>
  fetch(`${instance.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })

/** With what it has under way. */
async function kill(instance: Instance, unanswered: readonly Promise<unknown>[]): Promise<void> {
  await Promise.all([instance.kill(), ...unanswered.map((answer) => expect(answer).rejects.toThrow())])
  for (const { cut } of held) cut()
  held = []
}

/** A task that was over long before. Gives its two files. */
async function insertOld(): Promise<string[]> {
  const at = new Date(Date.now() - 40 * 86_400_000)
  const id = v7({ msecs: at.getTime() })
  const keys = ['1-1', '1-2'].map((name) => `results/${id}/${name}/0`)
  for (const key of keys) await files.write(key, new ArrayBuffer(1))
  await insertTask(db, { id, status: 'completed', total_steps: 1, at })
  return keys
}

/** The starts were three hours ago. */
async function age(notes: readonly string[]): Promise<void> {
  const hour = new Date(Date.now() - 3 * 3_600_000).toISOString().slice(0, 13).replaceAll(/\D/g, '')
  for (const key of notes) {
    const bytes = await new Response(await files.read(key)).arrayBuffer()
    await files.write(key.replace(/\/\d{10}-/, `/${hour}-`), bytes, (await files.head(key)) ?? {})
    await files.remove(key)
  }
}

/** Holds each removal but the first of every task's files. */
function holdRemovals(): typeof holds {
  const begun = new Set<string>()
  return (method, path) => {
    const [folder = ''] = /(inputs|results|starts)\/[^/]+/.exec(path) ?? []
    if (method !== 'DELETE' || !folder) return false
    const isFirst = !begun.has(folder)
    begun.add(folder)
    return !isFirst || folder.startsWith('starts/')
  }
}

const leftOf = async (keys: readonly string[]) => (await keysOf('')).filter((key) => keys.includes(key)).length

async function keysOf(prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { blobs } of files.list({ prefix })) keys.push(...blobs.map(({ key }) => key))
  return keys.toSorted()
}

const count = async (table: string) => (await pool.query(`select from ${table}`)).rowCount

async function untilAll(instance: Instance, status: string, n: number): Promise<void> {
  await until(async () => {
    await ping(instance)
    return (await pool.query('select from tasks where status = $1', [status])).rowCount === n
  })
}
