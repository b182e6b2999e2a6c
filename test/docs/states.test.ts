// docs/states.md agrees with the code, by name: statuses, phases, error codes, statements and what they report.
import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { statuses, taskErrorCodes } from '../../core/task.ts'
import { readDocument, root, rowsOf, sectionOf } from './documents.ts'

const states = await readDocument('docs/states.md')
const db = await Promise.all(
  (await readdir(new URL('db/statements/', root)))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readDocument(`db/statements/${file}`)),
)
const task = await readDocument('core/task.ts')

/** The words of a union type in core/task.ts. */
const wordsOf = (type: string): string[] => {
  const [, union = ''] = new RegExp(`export type ${type} =\\n((?: {2}\\| .*\\n)+)`).exec(task) ?? []
  return [...union.matchAll(/\| '(\w+)'/g)].map(([, word = '']) => word)
}

const arrows = rowsOf(sectionOf(states, '## Every arrow, with its cause'))

test('every status and phase has its line on who moves it on', () => {
  const lines = rowsOf(sectionOf(states, '## Who moves it on, and what the row shows')).map(([name]) => name)
  expect(lines).toEqual([...statuses, ...wordsOf('Phase')].map((name) => `\`${name}\``))
})

test('every error code has its arrow', () => {
  expect(taskErrorCodes.filter((code) => !arrows.some(([, , cause]) => cause?.includes(`\`${code}\``)))).toEqual([])
})

test('every operation on a code is explained in docs/operations.md too', async () => {
  const operations = await readDocument('docs/operations.md')
  expect(taskErrorCodes.filter((code) => !operations.includes(`\`${code}\``))).toEqual(['gate_expired'])
})

test('every statement that an arrow names exists, and every statement that moves tasks is named', () => {
  const named = new Set(
    [...states.matchAll(/`((?:start|continue|choose|redo|cancel|claim|record)[A-Z]\w+)`/g)].map(([, name]) => name),
  )
  const moving = db.flatMap((text) => [
    ...text.matchAll(/^export (?:async function|const) ((?:start|continue|choose|redo|cancel|claim|record)\w+)\b/gm),
  ])
  expect([...named].toSorted()).toEqual(moving.map(([, name]) => name).toSorted())
})

test('what a statement reports is named with it', () => {
  const source = db.join('\n')
  const reported = [...source.matchAll(/'(\w+)' as (?:did|work)/g)].map(([, word = '']) => word)
  const told = new Set(
    [...states.matchAll(/\(([a-z]+(?:, [a-z]+)*)\)/g)].flatMap(([, words = '']) => words.split(', ')),
  )
  expect(reported.length).toBeGreaterThan(8)
  expect(reported.filter((word) => word !== 'failed' && !told.has(word))).toEqual([])
})
