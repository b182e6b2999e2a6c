// POST, GET and DELETE /v1/files: what the official client uploads before it names it in an input. The models' inputs are read from here.

import type { Upload } from '../jobs/state.ts'
import { json, notFound, rejectedFile } from './answers.ts'
import type { State } from './protocol.ts'

const mostBytes = 100 * 1024 * 1024
/** Its real lifetime isn't documented: `expires_at` says it. */
const keptMs = 24 * 3_600_000

export async function answerFiles(state: State, request: Request, id?: string, what?: string): Promise<Response> {
  const found = id === undefined ? undefined : state.uploads.get(id)
  switch (`${request.method} ${id === undefined ? 'all' : 'one'}`) {
    case 'POST all':
      return create(state, request)
    case 'GET all':
      return json({ previous: null, next: null, results: [...state.uploads.values()].map((file) => view(state, file)) })
    case 'GET one':
      if (found === undefined) return notFound()
      if (what === 'download')
        return new Response(Buffer.from(found.bytes), { headers: { 'content-type': found.type } })
      return what === undefined ? json(view(state, found)) : notFound()
    case 'DELETE one':
      return id !== undefined && state.uploads.delete(id) ? new Response(null, { status: 204 }) : notFound()
    default:
      return notFound()
  }
}

async function create(state: State, request: Request): Promise<Response> {
  const form = await request.formData().catch(() => undefined)
  const content = form?.get('content')
  if (!(content instanceof Blob) || content.size > mostBytes) return rejectedFile()
  const file: Upload = {
    id: state.options.newId(),
    name: content.name,
    type: content.type || 'application/octet-stream',
    bytes: await content.bytes(),
    metadata: await readMetadata(form?.get('metadata') ?? null),
    createdAt: state.options.now().getTime(),
  }
  state.uploads.set(file.id, file)
  return json(view(state, file), 201)
}

async function readMetadata(part: string | Blob | null): Promise<unknown> {
  try {
    return JSON.parse(typeof part === 'string' ? part : ((await part?.text()) ?? '{}'))
  } catch {
    return {}
  }
}

const addressOf = (state: State, id: string) => `${state.options.baseUrl}/v1/files/${id}`

function view(state: State, { id, name, type, bytes, metadata, createdAt }: Upload) {
  return {
    ...{ id, name, metadata, content_type: type, size: bytes.length },
    created_at: new Date(createdAt).toISOString(),
    expires_at: new Date(createdAt + keptMs).toISOString(),
    urls: { get: addressOf(state, id) },
  }
}

/** The bytes behind an address that an upload was given, as the models' machines read them. */
export function readUploaded(state: State, url: string): Response | undefined {
  const start = addressOf(state, '')
  const file = url.startsWith(start) ? state.uploads.get(url.slice(start.length)) : undefined
  return file && new Response(Buffer.from(file.bytes))
}
