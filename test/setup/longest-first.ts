// The order of the test files: those that take half a minute or more begin first, so that none of them runs on alone at the end;
// those that wait for processes of their own, among those that compute. vitest.config.ts names it.
import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const longest = [
  'test/simulation/simulation.test.ts',
  'test/web/try-on.test.ts',
  'test/kills/random.test.ts',
  'test/web/trouble.test.ts',
  'test/docs/walk.test.ts',
  'test/web/told.test.ts',
  'test/dev/postgres.test.ts',
  'test/web/phone.test.ts',
  'test/kills/boundaries.test.ts',
  'test/web/calls.test.ts',
  'test/scenarios/erasure.test.ts',
  'test/web/access.test.ts',
  'test/web/forms.test.ts',
  'test/kills/erasure.test.ts',
  'test/web/gate.test.ts',
  'test/netlify/build.test.ts',
  'test/scenarios/unconfirmed.test.ts',
  'test/scenarios/silence.test.ts',
  'test/web/privacy.test.ts',
  'test/db/stale.test.ts',
  'test/scenarios/avatar.test.ts',
  'test/db/refusals.test.ts',
  'test/netlify/deployed.test.ts',
  'test/scenarios/seeds-training.test.ts',
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
