// A folder store on a disk that hangs: a named pipe that nobody writes to stands where a file would, and opening it waits for ever.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { openStoreOf } from '../../storage/open.ts'
import { StoreFault } from '../../storage/store.ts'
import { openWakeMark } from '../../storage/wake.ts'

const folder = await mkdtemp(join(tmpdir(), 'stepgate-hung-'))
const pipe = join(folder, 'wake', 'raised.blob')
afterAll(async () => {
  // Lets go of those that wait in the disk.
  await (await open(pipe, 'r+')).close()
  await rm(folder, { recursive: true })
})

test('a call to a disk that hangs ends as a fault of the store, and leaves a ping awake', async () => {
  await mkdir(join(folder, 'wake'))
  await promisify(execFile)('mkfifo', [pipe])
  const store = openStoreOf({ STORAGE: 'folder', STORAGE_DIR: folder, S3_REGION: 'auto' })('wake', { patienceMs: 20 })
  await expect(store.readJson('raised')).rejects.toThrow(StoreFault)
  await expect(store.read('raised')).rejects.toThrow('did not answer in time')
  expect(await openWakeMark(store, { now: () => new Date() }).look()).toMatchObject({ id: 'unknown' })
})
