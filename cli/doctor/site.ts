// The deployment as others meet it at PUBLIC_URL: its health, its pings, its webhook doors, and the clocks.
import * as z from 'zod'
import { healthySchema } from '../../core/operator-answers.ts'
import type { HttpResponse } from '../../providers/connection.ts'
import type { Http } from '../../providers/http.ts'
import { isOffered, providers } from '../../providers/index.ts'
import { distance, duration } from '../words.ts'
import { type Check, type Examined, fail, ok, unchecked, type Verdict, warn } from './findings.ts'

const standing = z.object({
  status: z.literal('ok'),
  database: z.object({ answered_in_ms: z.number() }).optional(),
  oldest_due_age_seconds: z.number().nullable().optional(),
  /** Beside it, when each ping last came. */
  dead_man: z.object({ silent_seconds: z.number().nullable() }).catchall(z.string().nullable()).optional(),
  /** An earlier version lacks some of it. */
  providers: healthySchema.shape.providers.catch(undefined),
})

type Standing = z.output<typeof standing>

export interface Answered {
  response: HttpResponse
  tookMs: number
  /** Its clock less this machine's, to a second. */
  aheadMs: number
  /** Undefined where it doesn't say that it is well. */
  standing: Standing | undefined
}

const timeoutMs = 20_000

export async function askHealth(http: Http, { config }: Pick<Examined, 'config'>): Promise<Answered> {
  const asked = Date.now()
  const response = await http.send({
    method: 'GET',
    url: `${config.PUBLIC_URL}/api/health`,
    headers: config.CRON_SECRET ? { authorization: `Bearer ${config.CRON_SECRET}` } : {},
    timeoutMs,
  })
  const tookMs = Date.now() - asked
  // The header has whole seconds, and was written somewhere on the way.
  const theirs = Date.parse(String(response.headers['date'])) + 500
  return { response, tookMs, aheadMs: theirs - (asked + tookMs / 2), standing: standing.safeParse(response.body).data }
}

/** Strangers are told no names of variables, and this may be one. */
const unsetTodo = 'The log of its functions names what is missing: set it at the site, and deploy again.'

const problem = z.object({ code: z.string(), detail: z.string() })

export const checkSite: Check = [
  'site',
  async ({ config, health }) => {
    if (!config.PUBLIC_URL) return unchecked('PUBLIC_URL')
    const { response, tookMs, standing } = await health()
    const { status, headers, body } = response
    if (standing && status === 200) return ok(`${config.PUBLIC_URL} is well, and answers in ${tookMs} ms`)
    if (status >= 300 && status < 400) {
      return fail(`it redirects to ${headers['location']}`, 'Make that PUBLIC_URL: providers follow no redirects.')
    }
    const said = problem.safeParse(body).data
    if (!said) return fail(`${status}, and no answer of ours`, 'Is this its address, and are its functions deployed?')
    const isUnset = said.code === 'not_configured'
    return fail(
      `${status} ${said.code}: ${said.detail.replaceAll(/\s+/g, ' ')}`,
      isUnset ? unsetTodo : 'Look at the log of its functions.',
    )
  },
]

const silentMinutes = 10
const lostMinutes = 60

export const checkCron: Check = [
  'cron',
  async ({ config, health }) => {
    if (!config.PUBLIC_URL) return unchecked('PUBLIC_URL')
    if (!config.CRON_SECRET) return unchecked('CRON_SECRET')
    const known = await health().then(
      ({ standing }) => standing,
      () => undefined,
    )
    if (!known) return { state: 'warn', says: 'not checked, because the site does not say that it is well' }
    if (!known.database || !known.dead_man) {
      return fail('the site has another CRON_SECRET than this environment', "Pings need the site's own one.")
    }
    return [pingsOf(known.dead_man), dueOf(known.oldest_due_age_seconds ?? null)].flat()
  },
]

function pingsOf({ silent_seconds, ...came }: NonNullable<Standing['dead_man']>): Verdict {
  const todo = 'Set up a ping (docs/deploying.md, "Pings"), or publish the site, whose schedule then runs.'
  if (silent_seconds === null) return warn('no ping is on record', todo)
  const now = new Date()
  const told = Object.entries(came).map(([name, at]) => `${name} ${at ? distance(new Date(at), now) : 'never'}`)
  if (silent_seconds > lostMinutes * 60) {
    return fail(`no ping for ${duration(silent_seconds * 1000)}: ${told.join(', ')}`, todo)
  }
  if (silent_seconds > silentMinutes * 60) {
    return warn(`no ping for ${duration(silent_seconds * 1000)}: ${told.join(', ')}`, todo)
  }
  return ok(told.join(', '))
}

function dueOf(seconds: number | null): Verdict[] {
  if (seconds === null || seconds <= silentMinutes * 60) return []
  const says = `work has been due for ${duration(seconds * 1000)}`
  return [{ name: 'due work', ...fail(says, 'npm run tasks -- list; docs/operations.md tells why it may stay.') }]
}

/** Unsigned, it must be refused by our own door: so it is there, configured, and nothing on the way answers instead. */
export const checkWebhooks: Check = [
  'webhooks',
  async ({ config, http }) => {
    const { PUBLIC_URL } = config
    if (!PUBLIC_URL) return unchecked('PUBLIC_URL')
    const offered = providers.filter((spec) => isOffered(config, spec))
    return Promise.all(
      offered.map(async ({ name: provider }) => {
        const url = `${PUBLIC_URL}/api/webhook/${provider}`
        const { status, headers, body } = await http.send({ method: 'POST', url, body: {}, timeoutMs })
        const { code = '' } = problem.safeParse(body).data ?? {}
        if (status === 401 && code === 'bad_signature') return ok(`/api/webhook/${provider} refuses what nobody signed`)
        return fail(`/api/webhook/${provider} answers ${status} ${code}`.trim(), todoOf(provider, status, headers))
      }),
    )
  },
]

function todoOf(provider: string, status: number, headers: HttpResponse['headers']): string {
  if (status === 404) return `The key of ${provider} is not set at the site, or this is not its address.`
  if (status === 503) return unsetTodo
  if (status >= 300 && status < 400) return `Webhooks follow no redirects: make ${headers['location']} PUBLIC_URL.`
  return 'Something on the way answers instead of the function, or it fails: look at its log.'
}
