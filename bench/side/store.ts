// A blob store in memory, for provider.ts: as much of Netlify's edge protocol as its client and the engines use.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'

const header = 'netlify-blobs-metadata'

interface Blob {
  body: Buffer
  metadata: string | undefined
}

export interface BlobStore {
  answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<void>
  clear(): void
}

export function openStore(): BlobStore {
  const blobs = new Map<string, Blob>()
  return {
    clear: () => blobs.clear(),
    answer: async (request, response, path) => {
      if (request.method === 'PUT') {
        const metadata = request.headers[header]
        const body = await buffer(request)
        blobs.set(path, { body, metadata: typeof metadata === 'string' ? metadata : undefined })
        response.writeHead(200, { etag: '"1"', 'content-length': 0 }).end()
        return
      }
      if (request.method === 'DELETE') blobs.delete(path)
      const found = blobs.get(path)
      if (!found) {
        response.writeHead(request.method === 'DELETE' ? 204 : 404).end()
        return
      }
      response.writeHead(200, {
        'content-length': request.method === 'HEAD' ? 0 : found.body.length,
        ...(found.metadata !== undefined && { [header]: found.metadata }),
      })
      response.end(request.method === 'HEAD' ? undefined : found.body)
    },
  }
}
