// A folder store on a disk that fills up in the middle of a write, as a limit on the size of files makes it do.
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const store = fileURLToPath(new URL('../../storage/folder/store.ts', import.meta.url))
/** In a process of its own, whose files may have 8 kB. */
const writing = (folder: string) => `
  const { openFolderStore } = await import('${store}')
  const files = openFolderStore('${folder}', 'files')
  await files.write('small', new ArrayBuffer(100))
  const said = await files.write('large', new ArrayBuffer(64_000)).then(() => 'written', (error) => error.name)
  console.log(said, await files.head('large'))`

test('a write for which there is no room is a fault, and leaves nothing under its name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stepgate-full-'))
  const script = ['-c', 'ulimit -f 8; exec "$0" --input-type=module -e "$1"', process.execPath, writing(folder)]
  const { stdout } = await promisify(execFile)('bash', script)
  expect(stdout.trim()).toBe('StoreFault undefined')
  expect(await readdir(join(folder, 'files'))).toEqual(['small.blob'])
  await rm(folder, { recursive: true })
})
