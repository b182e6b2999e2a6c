// Makes true what a request's plan says: reads its input once it has begun, draws its images once it is over.
// Every endpoint that shows a request, and every webhook, awaits settle() before.

import pLimit from 'p-limit'
import { blank, type Picture } from '../draw.ts'
import { InputFault } from './models.ts'
import { failEarly, isOver, type QueuedRequest, startOf } from './request.ts'
import type { State } from './state.ts'

// Drawing is work for the processor alone, so more at once would only slow each other down.
const drawInTurn = pLimit(2)

export async function settle(state: State, request: QueuedRequest, now: number): Promise<void> {
  if (request.failure === null && now >= startOf(request)) {
    request.reading ??= read(state, request)
    await request.reading
  }
  if (request.failure !== null || request.model.isTraining || !isOver(request, now)) return
  request.drawing ??= draw(state, request)
  await request.drawing
}

async function read(state: State, request: QueuedRequest): Promise<void> {
  if (!state.settings.drawing) return
  try {
    await request.model.read(request.input, (url) => loadStart(url, state.options.fetchInput))
  } catch (error) {
    if (!(error instanceof InputFault)) throw error
    // As at fal, what is wrong with an input shows in the result alone.
    failEarly(request, { status: 422, detail: [error.field], isTold: false })
    state.outbox.reschedule(request)
  }
}

async function draw(state: State, request: QueuedRequest): Promise<void> {
  const { input, model } = request
  const { num_images: count } = input
  request.pictures = state.settings.drawing
    ? await drawInTurn(() => model.draw(input))
    : Array<Picture>(typeof count === 'number' ? count : 1).fill(blank)
}

async function loadStart(url: string, fetchInput: (url: string) => Promise<Response>): Promise<Uint8Array> {
  const failed = (why: string) =>
    new InputFault({
      loc: ['body', 'images_data_url'],
      msg: `Failed to download ${url.slice(0, 200)}: ${why}`,
      type: 'file_download_error',
    })
  let response: Response
  try {
    response = await (url.startsWith('data:') ? fetch(url) : fetchInput(url))
  } catch {
    throw failed('no answer')
  }
  if (!response.ok) throw failed(`HTTP ${response.status}`)
  for await (const chunk of response.body ?? []) return chunk
  throw failed('it is empty')
}
