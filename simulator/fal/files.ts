// GET and HEAD /files/{request}/{name}: outputs, which fal keeps for good and serves to anybody, in ranges if asked.

import { ConnectionFault, endlessBody, hang } from '../connection.ts'
import { blank } from '../draw.ts'
import { gatewayError, notFound } from './answers.ts'
import { settle } from './output.ts'
import { isOver, type QueuedRequest } from './request.ts'
import { filesOf } from './result.ts'
import type { State } from './state.ts'
import { configBytes, configName, weightsName, weightsOf } from './weights.ts'

export async function getFile(state: State, request: Request, path: string): Promise<Response> {
  state.counts.file += 1
  const [, id = '', name = ''] = /^\/files\/([\w-]+)\/([\w.-]+)$/.exec(path) ?? []
  const found = state.byId.get(id)
  if (found === undefined) return notFound('File')
  const fault = state.faults.take('file', { model: found.model.endpoint, input: found.input })
  if (fault?.fault === 'error') return gatewayError(fault.status)
  if (fault?.fault === 'reset') throw new ConnectionFault('before')
  if (fault?.fault === 'hang') return hang(request.signal)
  const now = state.options.now().getTime()
  await settle(state, found, now)
  const file = filesOf(found).find((one) => one.name === name)
  const isThere = file !== undefined && isOver(found, now) && found.failure === null && fault?.fault !== 'not_found'
  if (!isThere) return notFound('File')
  const headers = { 'content-type': file.type, 'accept-ranges': 'bytes', etag: `"${id}-${name}"` }
  if (fault?.fault === 'not_an_image') {
    return new Response('<!doctype html><title>Sorry</title>', { headers: { 'content-type': 'text/html' } })
  }
  // It begins like the file, so that nothing but its size gives it away.
  if (fault?.fault === 'too_large') return new Response(endlessBody(startOf(found, name)), { headers })
  const part = partOf(request, file.size)
  if (part === 'outside') {
    return new Response(null, { status: 416, headers: { ...headers, 'content-range': `bytes */${file.size}` } })
  }
  const { from, to } = part ?? { from: 0, to: file.size - 1 }
  const sized = { ...headers, 'content-length': String(to - from + 1) }
  const whole = part ? { ...sized, 'content-range': `bytes ${from}-${to}/${file.size}` } : sized
  const status = part ? 206 : 200
  if (request.method === 'HEAD') return new Response(null, { status, headers: whole })
  const body = bytesOf(found, name, from, to)
  if (fault?.fault === 'reset_midway') return new Response(broken(body, to - from + 1), { status, headers: whole })
  return new Response(ReadableStream.from(body), { status, headers: whole })
}

/** One range, as a download that goes on asks for it; anything else is answered with the whole. */
function partOf(request: Request, size: number): { from: number; to: number } | 'outside' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.get('range') ?? '') ?? []
  if (first === '' && last === '') return undefined
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const to = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  return from > to ? 'outside' : { from, to }
}

function* bytesOf(request: QueuedRequest, name: string, from: number, to: number): Generator<Uint8Array> {
  if (name === weightsName) yield* weightsOf(request.id, request.weightsBytes, from, to)
  else yield wholeOf(request, name).subarray(from, to + 1)
}

function wholeOf(request: QueuedRequest, name: string): Uint8Array {
  if (name === configName) return configBytes(request)
  const [, number] = /^image-(\d+)\./.exec(name) ?? []
  return request.pictures[Number(number)]?.bytes ?? blank.bytes
}

function startOf(request: QueuedRequest, name: string): Uint8Array {
  return bytesOf(request, name, 0, 4095).next().value ?? blank.bytes
}

/** Half of what was promised, then nothing. */
function broken(body: Generator<Uint8Array>, size: number): ReadableStream<Uint8Array> {
  const half = function* () {
    let left = Math.ceil(size / 2)
    for (const chunk of body) {
      yield chunk.subarray(0, left)
      left -= chunk.length
      if (left <= 0) throw new ConnectionFault('midway')
    }
  }
  return ReadableStream.from(half())
}
