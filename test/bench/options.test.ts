// What a benchmark is told beside its name: checked before anything begins.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { readOptions, WrongOption } from '../../bench/options.ts'

const defaults = { rows: 500, past: 0, engines: 'all', off: false }

test('options are read over their defaults, numbers as numbers', () => {
  expect(readOptions([], defaults)).toEqual(defaults)
  const read = readOptions(['--rows', '7', '--past=3', '--engines', 'floor', '--off'], defaults)
  expect(read).toEqual({ rows: 7, past: 3, engines: 'floor', off: true })
})

test.each([
  { args: ['--rosw', '7'], why: /--rosw/ },
  { args: ['--rows', 'many'], why: /--rows must be a whole number from 1 on, not "many"/ },
  { args: ['--rows', '0'], why: /--rows must be a whole number from 1 on/ },
  { args: ['--rows', '1.5'], why: /whole number/ },
  { args: ['--past', ''], why: /--past must be a whole number from 0 on/ },
  { args: ['--rows'], why: /--rows/ },
  { args: ['rows', '7'], why: /rows/ },
])('$args are refused with the known ones', ({ args, why }) => {
  const read = () => readOptions(args, defaults)
  expect(read).toThrow(WrongOption)
  expect(read).toThrow(why)
  expect(read).toThrow('Known are, with their defaults: --rows 500 --past 0 --engines all --off')
})

test('a wrong option ends the command with 2 and a sentence', async () => {
  const bench = new URL('../../bench/bench.ts', import.meta.url).pathname
  const running = promisify(execFile)(process.execPath, [bench, 'vacuum', '--clams', '5'])
  const { code, stderr } = (await running.catch((error: unknown) => error)) as { code: number; stderr: string }
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(/--clams[\s\S]*--claims 500000 --active 1000 --past 0 --off\n$/),
  ])
})
