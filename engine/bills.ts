// Asks providers what they have charged, where they tell it, and corrects what was booked as expected. The sweep calls it, once an hour.
import type { Provider } from '../core/provider.ts'
import { adjustCosts, readUnbilled, type Unbilled } from '../db/statements/bills.ts'
import type { Deps } from './deps.ts'

/** fal answers for 50 requests at once. */
const batch = 50
/** A charge is told within minutes; one that isn't told for a day was none. */
const fromSeconds = 600
const lateSeconds = 86_400
/** After so long what was booked stays: nobody could ask in the meantime. */
const toSeconds = 3 * 86_400
/** A charge is dated by the prediction's end, on the provider's clock. */
const clocksDifferMs = 3_600_000

/** False: its time was over before all was asked. A provider that doesn't tell now is asked by the next sweep. */
export async function settleBills(deps: Deps, endBy: number): Promise<boolean> {
  for (const provider of deps.providers.values()) {
    const { name, readBill } = provider
    if (readBill && !(await settleBillsOf(deps, name, readBill, endBy))) return false
  }
  return true
}

async function settleBillsOf(
  deps: Deps,
  provider: string,
  readBill: NonNullable<Provider['readBill']>,
  endBy: number,
): Promise<boolean> {
  const terms = { provider, fromSeconds, toSeconds, lateSeconds, limit: batch, now: deps.now?.() }
  let after: Unbilled | undefined
  while (performance.now() < endBy) {
    const unbilled = await readUnbilled(deps.db, { ...terms, after })
    if (unbilled.length === 0) return true
    // Its end may have been noticed days later.
    const since = new Date(Math.min(...unbilled.map(({ begun_at }) => begun_at.getTime())) - clocksDifferMs)
    const bill = await readBill(
      unbilled.map(({ prediction_id }) => prediction_id),
      since,
    )
    if (bill.kind !== 'told') {
      const about = { provider, reason: bill.reason }
      if (bill.kind === 'refused')
        deps.log.info(about, 'this key is not told of charges: what was expected stays booked')
      else deps.log.warn(about, 'what was charged cannot be read now')
      return true
    }
    const bills = unbilled.flatMap(({ task_id, claim_token, prediction_id, is_late }) => {
      const micros = bill.charged.has(prediction_id) ? bill.charged.get(prediction_id) : is_late ? 0 : null
      return micros == null ? [] : [{ task_id, claim_token, micros }]
    })
    if (bills.length > 0) await adjustCosts(deps.db, bills, { now: deps.now?.() })
    if (unbilled.length < batch) return true
    after = unbilled.at(-1)
  }
  return false
}
