// What the project takes from others is named by its content, and a bot proposes what is newer.
import { readdir } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { readDocument, root } from './documents.ts'

type Lock = { packages: Record<string, { integrity?: string; resolved?: string; link?: boolean }> }

describe.each(['package-lock.json', 'bench/package-lock.json'])('%s', (file) => {
  test('names every package by its digest, and no registry', async () => {
    const { packages } = JSON.parse(await readDocument(file)) as Lock
    const entries = Object.entries(packages).filter(([path, { link }]) => path !== '' && !link)
    expect(entries.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([path]) => path)).toEqual([])
    expect(entries.filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
  })
})

test('workflows name every action by its commit, with its version beside it', async () => {
  const files = await readdir(new URL('.github/workflows/', root))
  const texts = await Promise.all(files.map((file) => readDocument(`.github/workflows/${file}`)))
  const actions = texts.flatMap((text) => [...text.matchAll(/uses: (.*)/g)].map(([, action = '']) => action))
  expect(actions.length).toBeGreaterThan(1)
  expect(actions.filter((action) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action))).toEqual([])
})

test('the bot looks at every lock file and at the workflows', async () => {
  const bot = await readDocument('.github/dependabot.yml')
  const watched = [...bot.matchAll(/package-ecosystem: (\S+)\n\s+directory: (\S+)/g)].map(([, kind, folder]) => [
    kind,
    folder,
  ])
  expect(watched).toEqual([
    ['npm', '/'],
    ['npm', '/bench'],
    ['github-actions', '/'],
  ])
})
