// Makes true what a job's plan says: reads its input, draws its output once it is over, and so decides whether it did succeed.
// Every endpoint that shows a job, and every webhook, awaits settle() before.

import pLimit from 'p-limit'
import { ModelFault } from '../models/model.ts'
import { isOver, type Job, startOf } from './job.ts'
import type { Kind, State } from './state.ts'

// Drawing is work for the processor alone, so more at once would only slow each other down.
const drawInTurn = pLimit(2)

/** Nothing to do for a job that has not come so far, or that won't succeed. */
export async function settle<K extends Kind>(state: State<K>, job: Job<K['own']>, now: number): Promise<void> {
  if (job.ending !== 'succeeded') return
  if (state.protocol.readsAtStart && now >= startOf(job)) {
    job.reading ??= read(state, job)
    await job.reading
  }
  if (job.ending !== 'succeeded' || job.withheld === 'no_output' || !isOver(job, now)) return
  if (state.protocol.isRemoved(state, job, now)) return
  job.drawing ??= draw(state, job)
  await job.drawing
}

async function read<K extends Kind>(state: State<K>, job: Job<K['own']>): Promise<void> {
  if (!state.settings.drawing) return
  await orFail(state, job, () => job.model.read(job.input, (url, path) => loadFile(state, url, path, true)))
}

async function draw<K extends Kind>(state: State<K>, job: Job<K['own']>): Promise<void> {
  const { model, input, id, weightsBytes } = job
  const drawn = { id, weightsBytes, load: (url: string, path: string) => loadFile(state, url, path) }
  if (!state.settings.drawing) job.files = model.blank(input, drawn)
  else {
    await orFail(state, job, async () => {
      job.files = await drawInTurn(() => model.draw(input, drawn))
    })
  }
}

async function orFail<K extends Kind>(state: State<K>, job: Job<K['own']>, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    // As at the providers, what breaks inside the model is told in the job's own words.
    const message = error instanceof Error ? error.message : String(error)
    job.ending = 'failed'
    state.protocol.fail(state, job, error instanceof ModelFault ? error : new ModelFault(message))
  }
}

/** The whole file, or its beginning where nobody needs more. */
async function loadFile<K extends Kind>(
  state: State<K>,
  url: string,
  path: string,
  onlyStart = false,
): Promise<Uint8Array> {
  const { options, protocol } = state
  const own = protocol.readUpload?.(state, url)
  const failed = (why: string) =>
    new ModelFault(`${protocol.cannotFetch} ${short(url)}: ${why}`, { path, type: 'file_download_error' })
  let response: Response
  try {
    response = own ?? (await (url.startsWith('data:') ? fetch(url) : options.fetchInput(url)))
  } catch {
    throw failed('no answer')
  }
  if (!response.ok) throw failed(`HTTP ${response.status}`)
  const bytes = onlyStart ? await startOfBody(response) : await response.bytes()
  if (bytes.length === 0) throw failed('it is empty')
  return bytes
}

async function startOfBody({ body }: Response): Promise<Uint8Array> {
  for await (const chunk of body ?? []) return chunk
  return new Uint8Array()
}

const short = (url: string) => (url.length > 80 ? `${url.slice(0, 77)}…` : url)
