// A blob store on this machine, Netlify's own local server, for `npm start` and the tests. What is in the folder outlives restarts; the
// token is new each time.
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { getStore, type Store } from '@netlify/blobs'
import { BlobsServer } from '@netlify/blobs/server'
import { openNetlifyStore } from '../storage/netlify/store.ts'
import { sendBlob } from '../storage/send.ts'
import type { BlobStore } from '../storage/store.ts'

export interface LocalBlobs {
  /** The value of NETLIFY_BLOBS_CONTEXT with which doors find this server. */
  context: string
  /** By Netlify's client, for a look from outside. */
  openStore(name: string): Store
  /** As a function opens it. */
  store(name: string): BlobStore
  stop(): Promise<void>
}

export async function startBlobs(folder: string | URL): Promise<LocalBlobs> {
  const directory = folder instanceof URL ? fileURLToPath(folder) : folder
  // The server listens on every interface and has no option for it: the token is what keeps others out.
  const token = randomBytes(32).toString('hex')
  const server = new BlobsServer({ directory, token })
  const { port } = await server.start()
  const url = `http://127.0.0.1:${port}`
  const client = { edgeURL: url, uncachedEdgeURL: url, siteID: 'local', token }
  return {
    context: contextOf(client),
    openStore: (name) => getStore({ ...client, name, consistency: 'strong', fetch: sendBlob }),
    store: (name) => openNetlifyStore(name, { access: client }),
    stop: async () => {
      await server.stop()
    },
  }
}

export interface BlobAccess {
  edgeURL: string
  uncachedEdgeURL: string
  siteID: string
  token: string
}

/** As the platform writes it into the environment. */
export function contextOf(access: BlobAccess): string {
  const context = { ...access, deployID: '0', primaryRegion: 'us-east-2' }
  return Buffer.from(JSON.stringify(context)).toString('base64')
}
