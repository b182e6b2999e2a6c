// GET and HEAD of an output: served to anybody, in ranges if asked, for as long as the provider keeps it.

import { ConnectionFault, endlessBody, hang } from '../connection.ts'
import { type Made, partOfMade } from '../models/model.ts'
import { isOver, type Job } from './job.ts'
import { settle } from './output.ts'
import { clockOf, type Kind, type State } from './state.ts'

/** As their names have it after `/files/{id}/`. */
function filesOf<K extends Kind>({ protocol }: State<K>, job: Job<K['own']>): (Made & { name: string })[] {
  return job.files.map((made, n) => ({ ...made, name: made.name ?? protocol.fileName(n, made.extension) }))
}

/** The same, each with its address. */
export const linkedFiles = <K extends Kind>(state: State<K>, job: Job<K['own']>) =>
  filesOf(state, job).map((file) => ({ ...file, url: `${state.options.baseUrl}/files/${job.id}/${file.name}` }))

export async function getFile<K extends Kind>(state: State<K>, request: Request, path: string): Promise<Response> {
  const { notFound, serverError } = state.protocol.answers
  const [, id = '', name = ''] = /^\/files\/([\w-]+)\/([\w.-]+)$/.exec(path) ?? []
  const job = state.byId.get(id)
  if (job === undefined) return notFound('File')
  const fault = state.faults.take('file', { model: job.model.name, input: job.input })
  if (fault?.fault === 'error') return serverError(fault.status)
  if (fault?.fault === 'reset') throw new ConnectionFault('before')
  if (fault?.fault === 'hang') return hang(request.signal)
  const now = clockOf(state)
  await settle(state, job, now)
  const isThere = isOver(job, now) && job.ending === 'succeeded' && !state.protocol.isRemoved(state, job, now)
  const number = filesOf(state, job).findIndex((one) => one.name === name)
  const file = job.files[number]
  if (file === undefined || !isThere || fault?.fault === 'not_found') return notFound('File')
  if (fault?.fault === 'not_an_image') {
    return new Response('<!doctype html><title>Sorry</title>', { headers: { 'content-type': 'text/html' } })
  }
  const headers = { 'content-type': file.type, 'accept-ranges': 'bytes', etag: `"${id}-${number}"` }
  // It begins like the file, so that nothing but its size gives it away.
  if (fault?.fault === 'too_large') {
    const [start = new Uint8Array()] = partOfMade(file, 0, Math.min(4095, file.size - 1))
    return new Response(endlessBody(start), { headers })
  }
  return served(file, headers, request, fault?.fault === 'reset_midway')
}

function served(file: Made, headers: Record<string, string>, request: Request, breaks: boolean): Response {
  const part = partOf(request, file.size)
  if (part === 'outside') {
    return new Response(null, { status: 416, headers: { ...headers, 'content-range': `bytes */${file.size}` } })
  }
  const { from, to } = part ?? { from: 0, to: file.size - 1 }
  const sized = { ...headers, 'content-length': String(to - from + 1) }
  const whole = part ? { ...sized, 'content-range': `bytes ${from}-${to}/${file.size}` } : sized
  const status = part ? 206 : 200
  if (request.method === 'HEAD') return new Response(null, { status, headers: whole })
  const body = partOfMade(file, from, to)
  return new Response(ReadableStream.from(breaks ? broken(body, to - from + 1) : body), { status, headers: whole })
}

/** One range, as a download that goes on asks for it; anything else is answered with the whole. */
function partOf(request: Request, size: number): { from: number; to: number } | 'outside' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.get('range') ?? '') ?? []
  if (first === '' && last === '') return undefined
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const to = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  return from > to ? 'outside' : { from, to }
}

/** Half of what was promised, then nothing. */
function* broken(body: Iterable<Uint8Array>, size: number): Generator<Uint8Array> {
  let left = Math.ceil(size / 2)
  for (const chunk of body) {
    yield chunk.subarray(0, left)
    left -= chunk.length
    if (left <= 0) throw new ConnectionFault('midway')
  }
}
