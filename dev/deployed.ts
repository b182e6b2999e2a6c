// Runs packed functions as the platform does: by Netlify's own bootstrap, which lies in every package, as the manifest routes them. They
// become doors like any others, so router.ts serves them. Event and stream are the bootstrap's internal contract, so its version is pinned.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import type { Config } from '@netlify/functions'
import type { FunctionsManifest } from '@netlify/zip-it-and-ship-it'
import { type Door, openDoor } from '../build/doors.ts'
import type { BlobAccess } from './blobs.ts'

interface Head {
  statusCode: number
  multiValueHeaders?: Record<string, string[]>
}

type Handler = (event: object, answer: PassThrough, context: object) => Promise<void>

const heads = new WeakMap<object, (head: Head) => void>()

// What the platform's runtime gives to the bootstrap: where the head of an answer goes.
const awslambda = {
  streamifyResponse: (handler: Handler) => handler,
  HttpResponseStream: {
    from: (answer: PassThrough, head: Head) => {
      heads.get(answer)?.(head)
      return answer
    },
  },
}

/** The functions of a manifest, each with its routes and its schedule. `renew` gives each event the access to the blob store that comes with it. */
export async function loadDeployed(manifest: string, renew?: () => BlobAccess): Promise<Door[]> {
  Object.assign(globalThis, { awslambda })
  const { functions }: FunctionsManifest = JSON.parse(await readFile(manifest, 'utf8'))
  return Promise.all(
    functions.map(async ({ name, path, routes = [], schedule }) => {
      const { handler }: { handler: Handler } = await import(join(path, '___netlify-entry-point.mjs'))
      const [route] = routes
      const patterns = routes.map(({ pattern }) => pattern)
      const config: Config = schedule ? { schedule } : { path: patterns as `/${string}`[] }
      return openDoor(
        name,
        (request, context) => {
          const waitUntil = (work: Promise<unknown>) => context.waitUntil(work)
          return invoke({ handler, route: route?.pattern, blobs: renew?.() }, request, waitUntil)
        },
        config,
      )
    }),
  )
}

interface Invocation {
  handler: Handler
  route: string | undefined
  blobs: BlobAccess | undefined
}

async function invoke(
  { handler, route, blobs }: Invocation,
  request: Request,
  waitUntil: (work: Promise<unknown>) => void,
): Promise<Response> {
  const event = {
    ...{ rawUrl: request.url, path: new URL(request.url).pathname, httpMethod: request.method, route, flags: {} },
    headers: { ...Object.fromEntries(request.headers), ...(blobs && siteHeaders(blobs)) },
    ...(blobs && { blobs: eventBlobs(blobs) }),
    ...{ body: Buffer.from(await request.bytes()).toString('base64'), isBase64Encoded: true },
  }
  const answer = new PassThrough()
  const head = Promise.withResolvers<Head>()
  heads.set(answer, head.resolve)
  // Ends when all that was handed to the function's own waitUntil has ended.
  const running = handler(event, answer, { awsRequestId: '0', getRemainingTimeInMillis: () => 60_000 })
  running.catch(head.reject)
  waitUntil(running)
  const { statusCode: status, multiValueHeaders = {} } = await head.promise
  const headers = new Headers(
    Object.entries(multiValueHeaders).flatMap(([name, all]) => all.map((value): [string, string] => [name, value])),
  )
  const isEmpty = [204, 304].includes(status) || request.method === 'HEAD'
  if (isEmpty) answer.resume()
  return new Response(isEmpty ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>), { status, headers })
}

/** As the bootstrap takes it from an event, and writes it into the environment. */
function eventBlobs({ edgeURL, uncachedEdgeURL, token }: BlobAccess): string {
  const event = { url: edgeURL, url_uncached: uncachedEdgeURL, token, primary_region: 'us-east-2' }
  return Buffer.from(JSON.stringify(event)).toString('base64')
}

const siteHeaders = ({ siteID }: BlobAccess) => ({ 'x-nf-site-id': siteID, 'x-nf-deploy-id': '0' })
