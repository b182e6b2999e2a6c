// Doors decide nothing: each is a few lines that lead to the endpoint of the same name.
import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

const doorFolder = new URL('../../netlify/functions/', import.meta.url)
const endpointFolder = new URL('../../functions/', import.meta.url)

// Doors that share an endpoint with others.
const endpointOf = (door: string): string => (door.startsWith('webhook') ? 'webhook' : door)

/** What is wrong with a door's source, a sentence each. */
function findFaults(door: string, source: string, endpoints: readonly string[]): string[] {
  const faults: string[] = []
  const endpoint = endpointOf(door)
  const lines = source.trimEnd().split('\n').length
  if (lines > 15)
    faults.push(`Door ${door} has ${lines} lines, more than 15: what it decides belongs into its endpoint.`)
  if (!endpoints.includes(endpoint)) faults.push(`Door ${door} has no endpoint functions/${endpoint}.ts.`)
  const allowed = [`../../functions/${endpoint}.ts`, '../runtime.ts']
  for (const [statement, target = ''] of source.matchAll(/\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)) {
    const isType = target === '@netlify/functions' && /^import type .* from '@netlify\/functions'/m.test(source)
    if (!isType && !allowed.includes(target))
      faults.push(`Door ${door} imports ${target} (${statement}); only its endpoint and the runtime are for it.`)
  }
  return faults
}

const namesIn = async (folder: URL): Promise<string[]> =>
  (await readdir(folder)).filter((file) => file.endsWith('ts')).map((file) => file.replace(/\.m?ts$/, ''))

test('every door is short, has its endpoint, and imports nothing else', async () => {
  const endpoints = await namesIn(endpointFolder)
  const doors = await readdir(doorFolder)
  const faults = await Promise.all(
    doors.map(async (file) =>
      findFaults(file.replace(/\.m?ts$/, ''), await readFile(new URL(file, doorFolder), 'utf8'), endpoints),
    ),
  )
  expect(doors).not.toEqual([])
  expect(faults.flat()).toEqual([])
})

const good = `import type { Config } from '@netlify/functions'
import { start } from '../../functions/start.ts'
import { serve } from '../runtime.ts'

export default serve(start)

export const config: Config = { path: '/api/start' }
`
test.each([
  { fault: 'nothing', door: 'start', source: good, count: 0 },
  {
    fault: 'a missing endpoint',
    door: 'begin',
    source: good.replace('functions/start.ts', 'functions/begin.ts'),
    count: 1,
  },
  { fault: "another door's endpoint", door: 'status', source: good, count: 1 },
  { fault: 'the database', door: 'start', source: `import { claim } from '../../db/claim.ts'\n${good}`, count: 1 },
  { fault: 'a dynamic import', door: 'start', source: `${good}await import('node:fs')\n`, count: 1 },
  { fault: 'a value of the platform', door: 'start', source: good.replace('import type', 'import'), count: 1 },
  { fault: 'a long door', door: 'start', source: good + '// more\n'.repeat(9), count: 1 },
])('finds $fault', ({ door, source, count }) => {
  expect(findFaults(door, source, ['start', 'status'])).toHaveLength(count)
})
