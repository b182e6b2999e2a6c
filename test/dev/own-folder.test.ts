// What a process that was killed has left under dist/ goes with the next one that takes a folder there.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { ownFolder } from '../../dev/own-folder.ts'

test('a folder of a process that has ended is removed, one of a living process and others stay', async () => {
  const path = await mkdtemp(join(tmpdir(), 'stepgate-dist-'))
  onTestFinished(() => rm(path, { recursive: true }))
  const ended = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(ended, 'exit')
  const names = [`.built-${ended.pid}-0`, `.built-${process.ppid}-0`, `.web-${ended.pid}-0`, 'web']
  for (const name of names) {
    await mkdir(join(path, name))
    await writeFile(join(path, name, 'index.html'), '')
  }
  const own = await ownFolder('built', pathToFileURL(`${path}/`))
  expect(own.pathname).toMatch(new RegExp(`/\\.built-${process.pid}-\\d+/$`))
  expect((await readdir(path)).toSorted()).toEqual(names.slice(1).toSorted())
})
