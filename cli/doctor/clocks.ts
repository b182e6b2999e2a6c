// The clocks of database, site and this machine. Due times and claims go by the database's; sessions, links and webhooks by the site's;
// the search for lost submissions compares the database's with the provider's.

import { duration } from '../words.ts'
import { type Check, fail, ok, warn } from './findings.ts'

/** What a search in a provider's list allows. */
const mostMs = 60_000
/** Beyond what a slow answer explains. */
const noticeableMs = 15_000

export const checkClocks: Check = [
  'clocks',
  async ({ config, server, health }) => {
    const unknown = () => undefined
    const database = config.DATABASE_URL ? await server().then(({ aheadMs }) => aheadMs, unknown) : undefined
    const site = config.PUBLIC_URL ? await health().then(({ aheadMs }) => aheadMs, unknown) : undefined
    const known = [database, site].filter((ms) => ms !== undefined && Number.isFinite(ms)) as number[]
    const [one, other] = known
    if (one === undefined) return { state: 'warn', says: 'not checked, because neither database nor site answers' }
    const apart = Math.abs(one - (other ?? 0))
    const between =
      other === undefined ? `this machine and the ${database === undefined ? 'site' : 'database'}` : 'database and site'
    if (apart > mostMs)
      return fail(`${between} are ${duration(apart)} apart`, 'Find out which one is wrong, and set it right.')
    if (apart > noticeableMs)
      return warn(`${between} are ${duration(apart)} apart`, 'Keep an eye on it: from a minute on it matters.')
    if (Math.abs(one) > noticeableMs)
      return warn(`this machine is ${duration(one)} off; the deployment is not`, 'It harms nothing but this report.')
    return ok(`${between} agree to ${Math.max(1, Math.ceil(apart / 1000))} s`)
  },
]
