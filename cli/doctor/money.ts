// Money: whether anybody may spend without a ceiling, and whether the ledger knows what the provider has listed of the last hour.
import * as z from 'zod'
import { dollarsOf } from '../../core/price.ts'
import { connect } from '../../db/driver/connect.ts'
import { readBooked } from '../../db/statements/usage.ts'
import { type Check, ok, type Verdict, warn } from './findings.ts'
import { askReplicate, replicateKey } from './providers.ts'

const hourMs = 3_600_000
/** Of 100 predictions each. */
const mostPages = 10
const mostNamed = 5

export const checkBudget: Check = [
  'budget',
  async ({ config }) => {
    const { BUDGET_PER_DAY: day, BUDGET_PER_USER_PER_DAY: user, ANONYMOUS_SESSIONS: isOpen } = config
    if (day !== null)
      return ok(`${dollarsOf(day)} a day at most, ${user === null ? 'no limit' : dollarsOf(user)} a user`)
    const todo = 'Set BUDGET_PER_DAY to dollars, or ANONYMOUS_SESSIONS to off.'
    if (isOpen) return warn('BUDGET_PER_DAY is off: anybody who opens the page can spend without end', todo)
    return warn('BUDGET_PER_DAY is off', 'Set it to dollars, unless each user is trusted.')
  },
]

const page = z.object({
  results: z.array(z.object({ id: z.string(), created_at: z.coerce.date() })),
  next: z.string().nullish(),
})

/** A key that is used elsewhere too has predictions of which this deployment knows nothing. */
export const checkLedger: Check = [
  'ledger',
  async (examined) => {
    const { config } = examined
    if (!config.DATABASE_URL || !replicateKey(config)) return []
    const since = new Date(Date.now() - hourMs)
    const listed = await listSince(examined, since)
    if (!listed) return warn("Replicate's list can't be read", 'See "replicate".')
    const { db, close } = connect(config.DATABASE_URL, { driver: config.DATABASE_DRIVER })
    try {
      return compare(listed, await readBooked(db, { since, ids: listed }))
    } finally {
      await close()
    }
  },
]

function compare(listed: readonly string[], booked: readonly string[]): Verdict {
  const unknown = listed.filter((id) => !booked.includes(id))
  const says = `Replicate lists ${listed.length} predictions of the last hour`
  if (unknown.length === 0) return ok(`${says}, all of them are booked or in flight here`)
  const named = unknown.slice(0, mostNamed).join(', ')
  return warn(
    `${says}, ${unknown.length} of them are not in the ledger: ${named}`,
    'See docs/money.md, "When the bill differs".',
  )
}

async function listSince(examined: Parameters<Check[1]>[0], since: Date): Promise<string[] | undefined> {
  const ids: string[] = []
  let path = '/predictions'
  for (let pages = 0; pages < mostPages; pages += 1) {
    const { data } = page.safeParse((await askReplicate(examined, path)).body)
    if (!data) return undefined
    const recent = data.results.filter(({ created_at }) => created_at >= since)
    ids.push(...recent.map(({ id }) => id))
    const cursor = data.next && URL.parse(data.next)?.search
    if (recent.length < data.results.length || !cursor) return ids
    path = `/predictions${cursor}`
  }
  return ids
}
