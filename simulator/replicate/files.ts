// GET /files/{prediction}/output-{n}.{extension}: the outputs, for as long as Replicate would keep them.

import { brokenBody, ConnectionFault, endlessBody, hang } from '../connection.ts'
import { blank } from '../draw.ts'
import { notFound, serverError } from './answers.ts'
import { settle } from './output.ts'
import { isRemoved } from './prediction.ts'
import type { State } from './state.ts'

export async function getFile(state: State, request: Request, path: string): Promise<Response> {
  state.requests.file += 1
  const [, id = '', number = ''] = /^\/files\/(\w+)\/output-(\d+)\.\w+$/.exec(path) ?? []
  const prediction = state.byId.get(id)
  if (prediction === undefined) return notFound()
  const fault = state.faults.take('file', { model: prediction.model.name, input: prediction.input })
  if (fault?.fault === 'error') return serverError(fault.status)
  if (fault?.fault === 'reset') throw new ConnectionFault('before')
  if (fault?.fault === 'hang') return hang(request.signal)
  const now = state.options.now().getTime()
  await settle(state, prediction, now)
  const picture = prediction.pictures[Number(number)]
  const gone = fault?.fault === 'not_found' || isRemoved(prediction, now, state.settings.retention_seconds)
  if (picture === undefined || gone) return notFound()
  const headers = { 'content-type': picture.type, etag: `"${id}-${number}"` }
  const whole = { ...headers, 'content-length': String(picture.bytes.length) }
  switch (fault?.fault) {
    case 'reset_midway':
      return new Response(brokenBody(picture.bytes), { headers: whole })
    case 'too_large':
      // It begins like a picture, so that nothing but its size gives it away.
      return new Response(endlessBody(blank.bytes), { headers: { ...headers, 'content-type': blank.type } })
    case 'not_an_image':
      return new Response('<!doctype html><title>Sorry</title>', { headers: { 'content-type': 'text/html' } })
    default:
      return new Response(Buffer.from(picture.bytes), { headers: whole })
  }
}
