// storeOutput(): it ends in time, asks only where a provider may be asked, and gives up in the end.
import { expect, test } from 'vitest'
import type { Deps } from '../../engine/deps.ts'
import { type Copy, storeOutput } from '../../engine/store-output.ts'
import type { FaultInput } from '../../simulator/faults.ts'
import { openFiles } from '../../storage/files.ts'
import { openNetlifyStore } from '../../storage/netlify/store.ts'
import { begun, fault, ping, rowOf } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import { runLate } from '../setup/late.ts'
import { serve } from '../setup/serve.ts'

const clock = testClock()
const app = await useTestDeps({ clock })
const checks = () => app.simulator.replicate.till().requests.get
const ago = (seconds: number) => new Date(clock.now().getTime() - seconds * 1000)

/** An output whose first copy failed in this way, and will fail so again. */
async function failing(failure: FaultInput): Promise<Copy> {
  fault(app, failure)
  const { id } = await begun(app)
  clock.advance(5)
  await ping(app)
  const row = await rowOf(app, { id })
  const { prediction_id, claim_token, output } = row
  if (!prediction_id || !claim_token || !output) throw new Error(`nothing is copied: ${row.status}/${row.phase}`)
  const held = { id, step: row.current_step, attempt: row.attempt, claim_token }
  return { ...held, recipe: row.recipe, provider: row.provider, prediction_id, urls: row.provider_urls ?? {}, output }
}

/** The instant comes, too soon to ask anybody else, once whoever never answers has been asked. */
function storeLate(deps: Deps, copy: Copy, isAsked: () => boolean) {
  const ms = 7_500
  const isOurs = (length: number) => length > ms - 500 && length <= ms
  return runLate(isOurs, isAsked, () => storeOutput(deps, copy, performance.now() + ms))
}

function isFileAsked(): () => boolean {
  const files = () => app.simulator.replicate.till().requests.file
  const before = files()
  return () => files() > before
}

const broken: FaultInput = { on: 'file', fault: 'error', times: 100 }

test('storeOutput() stores the output, and finds it stored', async () => {
  const copy = await failing({ on: 'file', fault: 'error' })
  const stored = { kind: 'stored', files: [{ type: 'image/png', size: expect.any(Number) }], gate_in: 7 * 24 * 3_600 }
  expect(await storeOutput(app.deps, copy)).toEqual(stored)
  fault(app, { on: 'file', fault: 'error' })
  expect(await storeOutput(app.deps, copy)).toEqual(stored)
})

const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='

test('storeOutput() stores a file that came inside its address', async () => {
  const copy = await failing({ on: 'file', fault: 'error' })
  expect(await storeOutput(app.deps, { ...copy, output: [`data:image/png;base64,${pixel}`] })).toMatchObject({
    kind: 'stored',
    files: [{ type: 'image/png', size: Buffer.from(pixel, 'base64').length }],
  })
})

test('storeOutput() asks for a file again that came inside its address and is not in the row', async () => {
  const copy = await failing({ on: 'file', fault: 'error' })
  const before = checks()
  expect(await storeOutput(app.deps, { ...copy, output: ['data:,'] })).toMatchObject({ kind: 'stored' })
  expect(checks()).toBe(before + 1)
})

test('storeOutput() copies many files over several passes, each of which goes on after the last one', async () => {
  const { output, ...copy } = await failing({ on: 'file', fault: 'error' })
  const hasty = { ...app.deps, config: { ...app.deps.config, COPY_SECONDS: 0 } }
  const many = { ...copy, output: [...output, ...output, ...output] }
  for (let pass = 1; pass < 3; pass += 1)
    expect(await storeOutput(hasty, many)).toEqual({ kind: 'postponed', retry_in: 0 })
  expect(await storeOutput(hasty, many)).toMatchObject({
    kind: 'stored',
    files: many.output.map(() => ({ type: 'image/png' })),
  })
})

test('storeOutput() ends by its instant though the other side hangs, and then asks nobody', async () => {
  const copy = await failing({ on: 'file', fault: 'error' })
  fault(app, { on: 'file', fault: 'hang', times: 100 })
  const before = checks()
  const copied = await storeLate(app.deps, { ...copy, storing_since: ago(100) }, isFileAsked())
  expect(copied).toEqual({ kind: 'postponed', retry_in: 25 })
  expect(checks()).toBe(before)
})

test('storeOutput() that fails asks the provider, tries more seldom the longer it fails, and gives up past the limit', async () => {
  const copy = await failing(broken)
  const before = checks()
  const tried = (seconds: number, deadline: number) =>
    storeOutput(app.deps, { ...copy, storing_since: ago(seconds), deadline_at: ago(deadline) })
  expect(await storeOutput(app.deps, copy)).toEqual({ kind: 'postponed', retry_in: 10 })
  expect(await tried(400, -60)).toEqual({ kind: 'postponed', retry_in: 100 })
  expect(await tried(3_000, 60)).toEqual({ kind: 'postponed', retry_in: 120 })
  expect(checks()).toBe(before + 3)
  expect(await tried(3_600, 0)).toMatchObject({ kind: 'failed', code: 'result_lost' })
})

test.each([
  ['a private address', 'https://10.0.0.1/signed/output.png'],
  ['a name inside a network', 'https://files.internal/signed/output.png'],
  ['unencrypted web', 'http://files.test/signed/output.png'],
])('storeOutput() takes an output at %s for unusable, and tells its path to nobody', async (_, url) => {
  const copy = await failing(broken)
  const before = checks()
  const copied = await storeOutput(app.deps, { ...copy, output: [url] })
  expect(copied).toMatchObject({ kind: 'failed', code: 'result_unusable' })
  expect(JSON.stringify([copied, app.logged])).not.toContain('signed')
  expect(checks()).toBe(before)
})

test('storeOutput() that fails logs the host of the output alone', async () => {
  const copy = await failing(broken)
  const { origin, pathname } = new URL(copy.output[0] ?? '')
  app.logged.length = 0
  await storeOutput(app.deps, copy)
  const lines = JSON.stringify(app.logged)
  expect(lines).toContain(`GET ${origin}: answered 503`)
  expect(lines).not.toContain(pathname)
})

/** Files in a store that a server of the test's own stands for. */
async function filesOf(answer: Parameters<typeof serve>[0]) {
  const url = await serve(answer)
  return openFiles(
    openNetlifyStore('files', { access: { siteID: 's', token: 't', edgeURL: url, uncachedEdgeURL: url } }),
  )
}
const muchTooLate = { storing_since: ago(90_000), deadline_at: ago(80_000) }

test('storeOutput() never ends a paid result for a store that refuses us: it is tried later, and said why', async () => {
  const copy = await failing({ on: 'file', fault: 'error' })
  const files = await filesOf((_, response) => response.writeHead(401).end())
  app.logged.length = 0
  const reason = 'The blob store refuses our credentials (401)'
  expect(await storeOutput({ ...app.deps, files }, { ...copy, ...muchTooLate })).toEqual({
    ...{ kind: 'postponed', retry_in: 120, reason },
  })
  expect(app.logged).toMatchObject([{ level: 50, msg: 'the blob store keeps a result from being stored' }])
})

test('storeOutput() never ends a paid result for a store that is silent', async () => {
  const copy = await failing({ on: 'file', fault: 'error' })
  let asked = 0
  const files = await filesOf(() => {
    asked += 1
  })
  const copied = await storeLate({ ...app.deps, files }, { ...copy, ...muchTooLate }, () => asked > 0)
  expect(copied).toMatchObject({ kind: 'postponed', reason: 'The blob store did not answer in time' })
})

test('storeOutput() takes a provider that is silent for no fault of the store', async () => {
  const copy = await failing({ on: 'file', fault: 'error' })
  fault(app, { on: 'file', fault: 'hang', times: 100 })
  const copied = await storeLate(app.deps, { ...copy, ...muchTooLate }, isFileAsked())
  expect(copied).toMatchObject({ kind: 'failed', code: 'result_lost' })
})

const limited = {
  ...app.deps,
  config: { ...app.deps.config, PUBLIC_URL: 'https://app.test', ANSWER_LIMIT_MB: 0.00005 },
}

test('storeOutput() takes a result that the next step could not be given for unusable, and keeps it where none follows', async () => {
  const copy = await failing({ on: 'file', fault: 'error' })
  const failed = { kind: 'failed', code: 'result_unusable', reason: expect.stringContaining('larger than') }
  expect(await storeOutput(limited, { ...copy, hasNextStep: true })).toEqual(failed)
  expect(await storeOutput(limited, { ...copy, hasNextStep: false })).toMatchObject({ kind: 'stored' })
})

test('storeOutput() leaves a result to a pass that may be too large for a next step, where it is not known whether one follows', async () => {
  const copy = await failing({ on: 'file', fault: 'error' })
  expect(await storeOutput(limited, copy)).toEqual({ kind: 'postponed', retry_in: 0 })
})
