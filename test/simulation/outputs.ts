// What downloads of outputs give: files that name their prediction, so that a step can be shown to have its own. Weights may be of
// several parts.

import type { Http } from '../../providers/http.ts'
import { blank } from '../../simulator/draw.ts'
import { blankClip } from '../../simulator/models/model.ts'
import type { HttpSeam } from './http.ts'
import { falUrl } from './weather.ts'

type Download = Awaited<ReturnType<Http['download']>>

interface Wanted {
  url: string
  start: number
  /** Between two pieces of a large file. */
  goOn(label: string): Promise<undefined>
}

const pieceBytes = 4 * 1024 * 1024
/** Three parts of the store's. */
const heavyBytes = 17 * 1024 * 1024

export async function download({ providers, weather }: HttpSeam, { url, start, goOn }: Wanted): Promise<Download> {
  const provider = url.startsWith(falUrl) ? providers.fal : providers.replicate
  const { status, body } = await provider.fetch(new Request(url))
  await body?.cancel()
  if (status !== 200) return { status, start: 0, total: undefined, body: streamed([]) }
  const [, id = '', name = ''] = /\/files\/([^/]+)\/(.+)$/.exec(url) ?? []
  const isHeavy = weather.isHeavy && name.endsWith('.safetensors')
  const total = isHeavy ? heavyBytes : contentOf(id, name).length
  if (!isHeavy) return { status, start: 0, total, body: streamed([contentOf(id, name)]) }
  return { status: start > 0 ? 206 : 200, start, total, body: streamed(pieces(id, start, goOn)) }
}

/** The whole of a small file. */
function contentOf(id: string, name: string): Buffer {
  const owner = Buffer.from(JSON.stringify({ made_by: id }))
  if (name.endsWith('.json')) return owner
  if (name.endsWith('.mp4')) return Buffer.concat([blankClip.bytes ?? blank.bytes, owner])
  return Buffer.concat([name.endsWith('.safetensors') ? weightsHeader() : blank.bytes, owner])
}

/** Eight bytes of length, then JSON. */
function weightsHeader(): Buffer {
  const json = Buffer.from('{"lora":{"dtype":"U8"}}'.padEnd(64))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  return Buffer.concat([length, json])
}

/** Nothing but zeros between its header and its maker's name. */
async function* pieces(id: string, start: number, goOn: Wanted['goOn']) {
  const content = contentOf(id, '.safetensors')
  const header = content.subarray(0, 72)
  const owner = content.subarray(content.length - Buffer.byteLength(JSON.stringify({ made_by: id })))
  for (let at = start; at < heavyBytes; at += pieceBytes) {
    if (at > start) await goOn('a piece of an output')
    const piece = Buffer.alloc(Math.min(pieceBytes, heavyBytes - at))
    if (at === 0) header.copy(piece)
    if (at + piece.length === heavyBytes) owner.copy(piece, piece.length - owner.length)
    yield piece
  }
}

export const emptyBody = () => streamed([])

function streamed(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Download['body'] {
  const stream = (async function* () {
    yield* chunks
  })()
  return Object.assign(stream, { cancel: () => undefined })
}
