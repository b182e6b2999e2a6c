// The store: writes, reads and deletes a probe, where it can be reached from here; otherwise what the site tells of it.
import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import { openNetlifyStore } from '../../storage/netlify/store.ts'
import { openStoreOf } from '../../storage/open.ts'
import type { BlobStore } from '../../storage/store.ts'
import { type Check, type Examined, fail, ok, warn } from './findings.ts'

const access = z.object({
  siteID: z.string(),
  token: z.string(),
  edgeURL: z.string().optional(),
  uncachedEdgeURL: z.string().optional(),
})

export const checkBlobs: Check = [
  'blob store',
  async (examined) => {
    const { config } = examined
    const todos = {
      netlify: 'Check the credentials, and whether the site has a blob store.',
      s3: 'Check S3_ENDPOINT, S3_BUCKET, S3_REGION and the keys, and that these may read, write, list and delete.',
      folder: 'Check that STORAGE_DIR is a folder that this user may write to.',
    }
    if (config.STORAGE !== 'netlify') return probe(openStoreOf(config)('doctor'), todos[config.STORAGE])
    const store = openProbeStore(examined.env)
    return store ? probe(store, todos.netlify) : told(examined)
  },
]

/** As the functions find it, or as Netlify's API lets an account into a site. */
function openProbeStore(env: Examined['env']): BlobStore | undefined {
  const { NETLIFY_BLOBS_CONTEXT: context, NETLIFY_SITE_ID: siteID, NETLIFY_AUTH_TOKEN: token } = env
  if (context) {
    const { edgeURL, uncachedEdgeURL, ...client } = readContext(context)
    const urls = { ...(edgeURL && { edgeURL }), ...(uncachedEdgeURL && { uncachedEdgeURL }) }
    return openNetlifyStore('doctor', { access: { ...client, ...urls } })
  }
  return siteID && token ? openNetlifyStore('doctor', { access: { siteID, token } }) : undefined
}

function readContext(context: string): z.output<typeof access> {
  try {
    return access.parse(JSON.parse(Buffer.from(context, 'base64').toString()))
  } catch {
    // Without the parser's own words, which quote what they read.
    throw new Error('NETLIFY_BLOBS_CONTEXT is not what Netlify makes: base64 of JSON with siteID and token')
  }
}

async function probe(store: BlobStore, todo: string) {
  const [key, value] = [`probe-${randomUUID()}`, randomUUID()]
  try {
    await store.writeJson(key, value)
    const read = await store.readJson(key)
    await store.remove(key)
    if (read !== value) return fail('what was written could not be read', todo)
    return ok('a probe was written, read and deleted')
  } catch (error) {
    const [sentence] = (error as Error).message.split('. ')
    return fail(`it does not work: ${sentence}`, todo)
  }
}

async function told({ config, health }: Examined) {
  const todo = 'Set NETLIFY_SITE_ID and NETLIFY_AUTH_TOKEN here to have it probed.'
  const standing = config.PUBLIC_URL
    ? await health().then(
        ({ standing }) => standing,
        () => undefined,
      )
    : undefined
  const instants = Object.values(standing?.dead_man ?? {})
  if (instants.some((at) => at !== null)) return ok('the site notes its pings there')
  return warn('not checked: no credentials here, and the site has noted no ping', todo)
}
