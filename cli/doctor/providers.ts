// The providers: whether their keys are accepted, asked by reads that cost nothing, and whether webhooks can be told to be theirs.
import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import type { HttpResponse } from '../../providers/connection.ts'
import { fal, falSettings } from '../../providers/fal/spec.ts'
import { replicateSettings } from '../../providers/replicate/spec.ts'
import { type Check, type Examined, fail, ok, type Verdict, warn } from './findings.ts'

const timeoutMs = 15_000
/** Any endpoint will do: the list of one's own requests is empty then. */
const falEndpoint = 'fal-ai/flux-lora-fast-training'

type Asking = Pick<Examined, 'config' | 'http'>

export const replicateKey = (config: Examined['config']) => replicateSettings(config).REPLICATE_API_TOKEN

export const askReplicate = ({ config, http }: Asking, path: string) => {
  const { REPLICATE_BASE_URL, REPLICATE_API_TOKEN } = replicateSettings(config)
  return http.send({
    method: 'GET',
    url: `${REPLICATE_BASE_URL}${path}`,
    headers: { authorization: `Bearer ${REPLICATE_API_TOKEN}` },
    timeoutMs,
  })
}

export const checkReplicate: Check = [
  'replicate',
  async (examined) => {
    if (!replicateSettings(examined.config).REPLICATE_API_TOKEN) return []
    const response = await askReplicate(examined, '/account')
    const username = z.object({ username: z.string() }).safeParse(response.body).data?.username
    if (response.status === 200 && username) return ok(`the key is accepted, as one of ${username}`)
    return refusal('REPLICATE_API_TOKEN', response)
  },
]

/** Replicate tells each account its own secret: ours must be among those that are accepted here. */
export const checkWebhookSecret: Check = [
  'webhook secret',
  async (examined) => {
    const { REPLICATE_API_TOKEN, REPLICATE_WEBHOOK_SECRET } = replicateSettings(examined.config)
    if (!REPLICATE_API_TOKEN) return []
    const response = await askReplicate(examined, '/webhooks/default/secret')
    const key = z.object({ key: z.string() }).safeParse(response.body).data?.key
    const todo =
      'Set REPLICATE_WEBHOOK_SECRET to the key that GET /webhooks/default/secret answers (docs/deploying.md), and deploy again.'
    if (response.status !== 200 || !key)
      return warn(`Replicate does not tell it: ${response.status}`, 'See "replicate".')
    if (!REPLICATE_WEBHOOK_SECRET)
      return warn("it is not set: Replicate's webhooks are refused, and passes do their work", todo)
    const accepted = REPLICATE_WEBHOOK_SECRET.split(/\s+/)
    if (!accepted.includes(key))
      return fail("REPLICATE_WEBHOOK_SECRET is not this account's: its webhooks are refused", todo)
    return ok("the one here is this account's own; whether the site has it too, its refused webhooks tell")
  },
]

export const checkFal: Check = [
  'fal',
  async (examined) => {
    const { config, http } = examined
    const { FAL_KEY, FAL_API_URL, FAL_JWKS_URL } = falSettings(config)
    if (!FAL_KEY) return []
    const query = new URLSearchParams({ endpoint_id: falEndpoint, limit: '1' })
    const [response, keys] = await Promise.all([
      http.send({
        method: 'GET',
        url: `${FAL_API_URL}/models/requests/by-endpoint?${query}`,
        headers: { authorization: `Key ${FAL_KEY}` },
        timeoutMs,
      }),
      http.send({ method: 'GET', url: FAL_JWKS_URL, timeoutMs }),
    ])
    if (response.status !== 200) return [refusal('FAL_KEY', response), signatures(keys)]
    return [ok('the key is accepted'), await askScope(examined), signatures(keys)]
  },
]

/** Bills and deleting want the same scope; asking for the bill of a request that never was changes nothing. */
async function askScope({ config, http }: Asking): Promise<Verdict> {
  const name = 'fal scope'
  const bill = await (await fal.open(config, http)).readBill?.([randomUUID()], new Date())
  if (bill?.kind === 'told')
    return { name, ...ok('admin: its bills are read, and it deletes what it keeps when asked') }
  if (bill?.kind === 'refused')
    return {
      name,
      ...warn(
        'the key may only run models: costs stay estimates, and fal keeps the requests of erased tasks for 30 days',
        'Set FAL_KEY to a key with admin scope (docs/money.md, "How exact"; docs/privacy.md, "At the providers").',
      ),
    }
  return { name, ...warn(`it is not known whether it is admin: ${bill?.reason}`, 'Try again in a minute.') }
}

function signatures({ status, body }: HttpResponse): Verdict {
  const published = z.object({ keys: z.array(z.unknown()).min(1) }).safeParse(body).data
  const name = 'fal signatures'
  if (status === 200 && published) return { name, ...ok(`${published.keys.length} keys are published`) }
  return {
    name,
    ...fail(`its keys can't be read: ${status}`, 'Check FAL_JWKS_URL; without them its webhooks are refused.'),
  }
}

function refusal(variable: string, { status }: HttpResponse): Verdict {
  if (status === 401 || status === 403)
    return fail(`${status}: the key is refused`, `Set ${variable} to a key that is valid.`)
  if (status === 429) return warn('429: too many requests', 'Try again in a minute.')
  return fail(`${status}: not the answer of this provider`, 'Try again; see its status page.')
}
