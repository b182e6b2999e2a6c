// The order of the test files: those that take a minute begin first, so that none of them runs on alone at the end. vitest.config.ts names it.
import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const longest = [
  'test/simulation/simulation.test.ts',
  'test/kills/erasure.test.ts',
  'test/scenarios/erasure.test.ts',
  'test/docs/walk.test.ts',
  'test/kills/random.test.ts',
  'test/kills/boundaries.test.ts',
  'test/web/trouble.test.ts',
  'test/web/try-on.test.ts',
  'test/cli/tasks.test.ts',
  'test/dev/postgres.test.ts',
]

const placeOf = ({ moduleId }: TestSpecification): number => {
  const place = longest.indexOf(relative(process.cwd(), moduleId))
  return place < 0 ? longest.length : place
}

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((one, other) => placeOf(one) - placeOf(other))
  }
}
