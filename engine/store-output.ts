// Copies a finished prediction's output into our own storage, because the provider deletes it within the hour.
// Passes and the webhook endpoint call it. It promises to end by the instant that it is given.
import { withDeadline } from '../core/deadline.ts'
import { type CheckOutcome, type Copying, decideCopy, decideOutput, shorten } from '../core/decide.ts'
import { isPassedOn, type Recipe } from '../core/recipe.ts'
import { type OpenAttempt, type ProviderUrls, resultKey, type StepFile } from '../core/task.ts'
import { lacksBytes } from '../core/web-address.ts'
import { ForbiddenAddress, HttpFailure } from '../providers/connection.ts'
import { StoreFault } from '../storage/store.ts'
import { type Opened, UnacceptableFile } from '../storage/write.ts'
import { askProvider, clockOf, type Deps, requireRecipe } from './deps.ts'
import { passableBytes } from './signed-urls.ts'

/** A succeeded prediction and the addresses of its output files. */
export interface Copy extends OpenAttempt, Copying {
  recipe: string
  provider: string
  prediction_id: string
  urls: ProviderUrls
  output: readonly string[]
  /** Whether a step follows, which is given this one's first file. Whoever copies without the row doesn't know. */
  hasNextStep?: boolean
}

export type Copied = { kind: 'stored'; files: StepFile[]; gate_in: number } | CheckOutcome

/** Where nothing else bounds it: well within a function's life. */
const patienceMs = 35_000
/** A part is let come to its end for so long after the last one that was begun; then its connection is closed. */
const partMs = 8_000

/**
 * Every output file of the attempt, stored; or when to go on, or to try again; or why that is no use. `endBy` is on the clock of
 * `performance.now()`: whatever isn't done by then is the next pass's.
 */
export async function storeOutput(
  deps: Deps,
  copy: Copy,
  endBy: number = performance.now() + patienceMs,
): Promise<Copied> {
  const recipe = requireRecipe(deps, copy)
  const stopAt = Math.min(performance.now() + deps.config.COPY_SECONDS * 1000, endBy - partMs)
  const isLate = () => performance.now() >= stopAt
  const waiting: Waiting = { for: 'provider' }
  try {
    const files = await withDeadline(Math.max(0, Math.round(endBy - performance.now())), async (signal) => {
      const output = await outputOf(deps, recipe, copy)
      return storeFiles(deps, recipe, { ...copy, output }, { signal, isLate, waiting })
    })
    if (!files) return { kind: 'postponed', retry_in: 0 }
    return { kind: 'stored', files, gate_in: recipe.timing.gateSeconds }
  } catch (error) {
    // Perhaps only for a next step: whether there is one, a pass knows.
    const isTooLarge = error instanceof UnacceptableFile && error.reason === 'too_large'
    if (isTooLarge && isPassedOn(recipe, copy.step) && copy.hasNextStep === undefined)
      return { kind: 'postponed', retry_in: 0 }
    if (error instanceof UnacceptableFile || error instanceof ForbiddenAddress) {
      return {
        kind: 'failed',
        code: 'result_unusable',
        reason: shorten(`The result cannot be used: ${error.message}`),
      }
    }
    const about = { err: error, task: copy.id, step: copy.step }
    const storeFault = storeFaultOf(error, waiting)
    if (storeFault) deps.log.error(about, 'the blob store keeps a result from being stored')
    else deps.log.warn(about, 'copy failed')
    // The provider is asked only while there is time for its answer.
    const isPressed = performance.now() >= endBy - deps.config.CHECK_TIMEOUT_SECONDS * 1000
    const prediction = { id: copy.prediction_id, urls: copy.urls }
    const observation = isPressed ? undefined : await askProvider(deps, recipe, prediction)
    return decideCopy(observation, copy, clockOf(deps), storeFault)
  }
}

/** Whom a copy waits for now, so that a deadline tells whose fault it is. */
interface Waiting {
  for: 'provider' | 'store'
}

/** What our own store did wrong, in words; undefined where the fault isn't ours. */
function storeFaultOf(error: unknown, waiting: Waiting): string | undefined {
  if (error instanceof StoreFault) return error.message
  const isDeadline = error instanceof DOMException && error.name === 'TimeoutError'
  return isDeadline && waiting.for === 'store' ? 'The blob store did not answer in time' : undefined
}

/** The row keeps no bytes of a data URI, so another pass asks the provider for them again. */
async function outputOf(deps: Deps, recipe: Recipe, copy: Copy): Promise<readonly string[]> {
  if (!copy.output.some(lacksBytes)) return copy.output
  const observation = await askProvider(deps, recipe, { id: copy.prediction_id, urls: copy.urls })
  if (observation.kind !== 'succeeded')
    throw new Error(`the provider does not give its result again: ${observation.kind}`)
  const outcome = decideOutput(observation.output, recipe)
  if (outcome.kind !== 'succeeded') throw new Error('the provider gives another result than before')
  return outcome.output
}

interface Limits {
  signal: AbortSignal
  isLate(): boolean
  waiting: Waiting
}

/** Undefined: it took too long for one pass, and the next one goes on. Each gets something done, however late it is. */
async function storeFiles(deps: Deps, recipe: Recipe, copy: Copy, limits: Limits): Promise<StepFile[] | undefined> {
  const files: StepFile[] = []
  let copied = 0
  limits.waiting.for = 'store'
  for (const [index, url] of copy.output.entries()) {
    const key = resultKey(copy.id, copy.step, copy.prediction_id, index)
    // One alone is hardly ever there, and is looked for where it can't be had. Of several, an earlier pass may have stored some; and a
    // provider that repeats its report mostly tells the process that it told before.
    const mayBeStored = wasBegun(deps, key) || copy.output.length > 1
    const known = mayBeStored ? await deps.files.stat(key) : undefined
    if (!known && copied > 0 && limits.isLate()) return undefined
    // Any of several candidates may be chosen.
    const isNeeded =
      isPassedOn(recipe, copy.step) && (index === 0 || recipe.candidates !== undefined) && copy.hasNextStep !== false
    const file = known ?? (await storeFile(deps, recipe, { url, key, isNeeded }, limits))
    if (!file) return undefined
    if (!known) copied += 1
    files.push({ type: file.type, size: file.size })
  }
  return files
}

/** The newest files that this process has begun to store. */
const begun = new WeakMap<Deps['files'], Set<string>>()
const mostRemembered = 1_000

/** Whether it had begun this one before. */
function wasBegun({ files }: Deps, key: string): boolean {
  const keys = begun.get(files) ?? new Set()
  begun.set(files, keys)
  const isKnown = keys.has(key)
  keys.add(key)
  const [oldest = key] = keys
  if (keys.size > mostRemembered) keys.delete(oldest)
  return isKnown
}

async function storeFile(
  deps: Deps,
  { accept, maxBytes }: Recipe,
  { url, key, isNeeded }: { url: string; key: string; isNeeded: boolean },
  { signal, isLate, waiting }: Limits,
) {
  const most = isNeeded ? Math.min(maxBytes, passableBytes(deps.config)) : maxBytes
  const open = async (start: number): Promise<Opened> => {
    waiting.for = 'provider'
    const { status, ...opened } = await deps.http.download(url, signal, start).finally(() => {
      waiting.for = 'store'
    })
    if (status === 200 || status === 206) return { ...opened, body: watched(opened.body, waiting) }
    opened.body.cancel()
    throw new HttpFailure({ method: 'GET', url, isPathSecret: true }, true, new Error(`answered ${status}`))
  }
  return deps.files.copy(key, { open }, { accept, maxBytes: most, isLate, signal }).catch(async (error) => {
    // Stored before by a rival, or before a crash: a prediction's output never changes, but its provider deletes it.
    const stored = signal.aborted ? undefined : await deps.files.stat(key)
    if (!stored) throw error
    return stored
  })
}

/** The same bytes; whoever waits for the next ones waits for the provider. */
function watched(body: Opened['body'], waiting: Waiting): Opened['body'] {
  return {
    cancel: () => body.cancel(),
    async *[Symbol.asyncIterator]() {
      waiting.for = 'provider'
      try {
        for await (const chunk of body) {
          waiting.for = 'store'
          yield chunk
          waiting.for = 'provider'
        }
      } finally {
        waiting.for = 'store'
      }
    },
  }
}
