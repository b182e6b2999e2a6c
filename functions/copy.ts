// Copies a finished prediction's output into our own storage, because the provider deletes it within the hour.
import { type LookOutcome, missSeconds, shorten } from '../core/decide.ts'
import type { Recipe } from '../core/recipe.ts'
import { type Held, type ProviderUrls, resultKey, type StepFile } from '../core/task.ts'
import { HttpFailure } from '../providers/http.ts'
import { type Opened, UnacceptableFile } from '../storage/write.ts'
import type { Deps } from './deps.ts'
import { providerOf, recipeOf } from './lookup.ts'

/** A succeeded prediction and the addresses of its output files. */
export interface Copy extends Held {
  recipe: string
  prediction_id: string
  urls: ProviderUrls
  output: readonly string[]
}

export type Copied = { kind: 'stored'; files: StepFile[]; gate_in: number } | LookOutcome

/** A copy that was stopped goes on from where it is; a connection that stalls is given up before the function's own end. */
const abortMs = 35_000
const retrySeconds = 10

/** Every output file of the attempt, stored; or when to go on, or to try again; or why that is no use. */
export async function copyOutput(deps: Deps, copy: Copy): Promise<Copied> {
  const recipe = recipeOf(deps, copy)
  const started = performance.now()
  const isLate = () => performance.now() - started >= deps.config.COPY_SECONDS * 1000
  const signal = AbortSignal.timeout(abortMs)
  try {
    const files: StepFile[] = []
    for (const [index, url] of copy.output.entries()) {
      const key = resultKey(copy.id, copy.step, copy.prediction_id, index)
      const file = await copyFile(deps, recipe, { url, key, signal, isLate })
      if (!file) return { kind: 'postponed', retry_in: 0 }
      files.push(file)
    }
    return { kind: 'stored', files, gate_in: recipe.timing.gateSeconds }
  } catch (error) {
    if (error instanceof UnacceptableFile) {
      return {
        kind: 'failed',
        code: 'result_unusable',
        reason: shorten(`The result can not be used: ${error.message}`),
      }
    }
    deps.log.warn({ err: error, task: copy.id, step: copy.step }, 'copy failed')
    return decideFailed(deps, recipe, copy)
  }
}

interface FileCopy {
  url: string
  key: string
  signal: AbortSignal
  isLate(): boolean
}

/** Undefined: it took too long for one pass, and the next one goes on. */
async function copyFile(deps: Deps, recipe: Recipe, { url, key, signal, isLate }: FileCopy) {
  // Stored already by a rival, a repeated webhook, or before a crash: a prediction's output never changes.
  const known = await deps.files.stat(key)
  if (known) return { type: known.type, size: known.size }
  const open = async (start: number): Promise<Opened> => {
    const { status, ...opened } = await deps.http.download(url, signal, start)
    if (status === 200 || status === 206) return opened
    opened.body.cancel()
    throw new HttpFailure({ method: 'GET', url }, true, new Error(`answered ${status}`))
  }
  const { accept, maxBytes } = recipe
  const file = await deps.files.copy(key, { open }, { accept, maxBytes, isLate })
  return file && { type: file.type, size: file.size }
}

/** Lost only when the provider itself says that its data is gone; until then the copy is tried again. */
async function decideFailed(deps: Deps, recipe: Recipe, copy: Copy): Promise<LookOutcome> {
  const seen = await providerOf(deps, recipe).check({ id: copy.prediction_id, urls: copy.urls })
  if (seen.kind === 'failed') return { kind: 'failed', code: seen.code, reason: seen.reason }
  if (seen.kind === 'missing') {
    const reason = 'The provider deleted the result before it could be copied.'
    return { kind: 'missing', code: 'result_lost', retry_in: missSeconds, reason }
  }
  return { kind: 'postponed', retry_in: retrySeconds }
}
