// A process that is killed with -9 while it erases a person, at each statement that touches a note of it, on the store that is a part of the
// process: a folder. After the next process's pass a search of every table and of every byte of the store finds nothing of theirs. The other
// stores, which outlive a process, and the moments between statements are test/scenarios/erasure.test.ts's.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { filesWith, tablesWith } from '../setup/search.ts'
import { openHold } from './hold.ts'
import { type Instance, openField, pause, ping, signIn } from './instances.ts'

vi.setConfig({ testTimeout: 400_000 })

const photo = await readFile(join(import.meta.dirname, '..', 'storage', 'cases', 'gps-exif-6.jpg'))

const field = await openField({ instances: 1, secondsPerStep: 0.2, store: 'folder' })
const pool = field.database.pool()
const { db } = await field.database.connect()
const hold = await openHold(pool, 'erasures', 'insert or update or delete')
afterAll(() => field.close())

test('killed at any statement of an erasure: after the next pass, nothing is found', async () => {
  let instance = await field.start()
  for (let moment = 0, isOver = false; !isOver; moment += 1) {
    const marker = `marker-${moment}`
    const headers = await openPerson(instance, marker)
    const needles = [Buffer.from(marker), ...(await middles(field.folder))]
    expect(await findAll(marker, needles)).toEqual(expect.arrayContaining(['tasks']))
    await hold.arm(moment)
    let status: number | undefined
    const answered = erase(instance, headers).then((answer) => {
      status = answer
    })
    while (status === undefined && !(await hold.isHeld())) await pause(10)
    isOver = status !== undefined
    if (!isOver) await Promise.all([instance.kill(), expect(answered).rejects.toThrow()])
    await hold.cut()
    if (!isOver) instance = await field.start()
    // Killed before it was noted: the person had no answer, and asks again.
    const { rowCount } = await pool.query('select from erasures')
    if (rowCount === 0 && !isOver) expect(await erase(instance, headers)).toBe(200)
    await ping(instance)
    expect(await findAll(marker, needles), `killed at statement ${moment}`).toEqual([])
    await pool.query('truncate erasures')
    if (isOver) expect([status, moment]).toEqual([200, expect.toSatisfy((n: number) => n > 2)])
  }
})

const findAll = async (marker: string, needles: readonly Buffer[]) => [
  ...(await tablesWith(db, marker)),
  ...(await filesWith(field.folder, needles)),
]

/** Has a photo uploaded under a name, and a task that waits with its first result. */
async function openPerson(instance: Instance, marker: string): Promise<Record<string, string>> {
  const headers = await signIn(instance)
  const form = new FormData()
  form.append('image', new File([photo], `${marker}.jpg`))
  const uploaded = await fetch(`${instance.url}/api/upload`, { method: 'POST', headers, body: form })
  const { url } = (await uploaded.json()) as { url: string }
  const garments = Array(2).fill(`data:image/jpeg;base64,${photo.toString('base64')}`)
  const body = JSON.stringify({ person_image: url, garments, prompt_hints: marker })
  const started = await fetch(`${instance.url}/api/start`, { method: 'POST', headers, body })
  const { task_id } = (await started.json()) as { task_id: string }
  for (;;) {
    await ping(instance)
    const { rows } = await pool.query('select status from tasks where id = $1', [task_id])
    if (rows[0]?.status === 'waiting_continue') return headers
    await pause(50)
  }
}

/** From the midst of each picture in the store. */
async function middles(folder: string): Promise<Buffer[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => readFile(join(parentPath, name)))
  const pictures = (await Promise.all(files)).filter(({ length }) => length > 1_000)
  expect(pictures.length).toBeGreaterThan(3)
  return pictures.map((bytes) => bytes.subarray(bytes.length >> 1, (bytes.length >> 1) + 24))
}

async function erase(instance: Instance, headers: Record<string, string>): Promise<number> {
  const post = (body: object) =>
    fetch(`${instance.url}/api/delete`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ everything: true, ...body }),
    })
  const asked = await post({})
  return (await post((await asked.json()) as object)).status
}
