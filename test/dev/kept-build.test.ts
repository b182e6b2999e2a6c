// What is built of sources is kept for exactly as long as they are the same.
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keptBuild } from '../../dev/kept-build.ts'

let root: string
let builds: number

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'stepgate-kept-'))
  builds = 0
  await mkdir(join(root, 'src', 'deep'), { recursive: true })
  for (const name of ['package-lock.json', 'tsconfig.json', 'src/one.ts', 'src/deep/two.ts'])
    await writeFile(join(root, name), name)
})
afterEach(() => rm(root, { recursive: true }))

const kept = () =>
  keptBuild(
    'things',
    ['src'],
    async (folder) => {
      builds += 1
      await writeFile(new URL('built', folder), String(builds))
    },
    pathToFileURL(`${root}/`),
  )

test('nothing is built twice of the same sources, also where two ask at once', async () => {
  const [first, same] = [await kept(), await kept()]
  expect([same.href, builds]).toEqual([first.href, 1])
  expect(await readFile(new URL('built', first), 'utf8')).toBe('1')
  await writeFile(join(root, 'src/one.ts'), 'changed')
  const folders = await Promise.all([kept(), kept()])
  expect(new Set(folders.map(({ href }) => href)).size).toBe(1)
  expect((await readdir(join(root, 'dist'))).filter((name) => name !== 'things')).toEqual([])
})

test.each<[string, () => Promise<unknown>]>([
  ['is changed, its time and size the same', () => writeFile(join(root, 'src/deep/two.ts'), 'src/deep/TWO.ts')],
  ['is added', () => writeFile(join(root, 'src/three.ts'), '')],
  ['is gone', () => rm(join(root, 'src/one.ts'))],
  ['has another name', () => rename(join(root, 'src/one.ts'), join(root, 'src/won.ts'))],
  ['is a package of another version', () => writeFile(join(root, 'package-lock.json'), 'newer')],
])('is built anew where a source %s', async (_name, change) => {
  const before = await kept()
  await change()
  const after = await kept()
  expect([after.href === before.href, builds]).toEqual([false, 2])
})

test('a build that fails leaves nothing that the next one would take', async () => {
  const failing = keptBuild('things', ['src'], () => Promise.reject(new Error('no')), pathToFileURL(`${root}/`))
  await expect(failing).rejects.toThrow('no')
  expect(await readFile(new URL('built', await kept()), 'utf8')).toBe('1')
})
