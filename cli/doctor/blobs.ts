// The blob store: writes, reads and deletes a probe, where there are credentials; otherwise what the site tells of it.
import { randomUUID } from 'node:crypto'
import { getStore, type Store } from '@netlify/blobs'
import * as z from 'zod'
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
    const store = openProbeStore(examined.env)
    return store ? probe(store) : told(examined)
  },
]

/** As the functions find it, or as Netlify's API lets an account into a site. */
function openProbeStore(env: Examined['env']): Store | undefined {
  const { NETLIFY_BLOBS_CONTEXT: context, NETLIFY_SITE_ID: siteID, NETLIFY_AUTH_TOKEN: token } = env
  if (context) {
    const { edgeURL, uncachedEdgeURL, ...client } = readContext(context)
    const urls = { ...(edgeURL && { edgeURL }), ...(uncachedEdgeURL && { uncachedEdgeURL }) }
    return getStore({ name: 'doctor', consistency: 'strong', ...client, ...urls })
  }
  return siteID && token ? getStore({ name: 'doctor', siteID, token }) : undefined
}

function readContext(context: string): z.output<typeof access> {
  try {
    return access.parse(JSON.parse(Buffer.from(context, 'base64').toString()))
  } catch {
    // Without the parser's own words, which quote what they read.
    throw new Error('NETLIFY_BLOBS_CONTEXT is not what Netlify makes: base64 of JSON with siteID and token')
  }
}

async function probe(store: Store) {
  const [key, value] = [`probe-${randomUUID()}`, randomUUID()]
  const todo = 'Check the credentials, and whether the site has a blob store.'
  try {
    await store.set(key, value)
    const read = await store.get(key, { type: 'text' })
    await store.delete(key)
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
