// A blob store on this machine, Netlify's own local server, for `npm start` and the tests. What is in the folder outlives restarts; the
// token is new each time.
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { getStore, type Store } from '@netlify/blobs'
import { BlobsServer } from '@netlify/blobs/server'
import { sendBlob } from '../storage/send.ts'

export interface LocalBlobs {
  /** The value of NETLIFY_BLOBS_CONTEXT with which doors find this server. */
  context: string
  openStore(name: string): Store
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
    context: Buffer.from(JSON.stringify({ ...client, deployID: '0', primaryRegion: 'us-east-2' })).toString('base64'),
    openStore: (name) => getStore({ ...client, name, consistency: 'strong', fetch: sendBlob }),
    stop: async () => {
      await server.stop()
    },
  }
}
