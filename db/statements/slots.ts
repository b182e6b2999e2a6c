// Caps on predictions in flight at a provider, over all instances. A slot is a number that a claim puts into the row; it is
// taken exactly while the attempt is in flight, by the unique index tasks_slot, so no crash can leave one behind.
// Claims that run at the same moment may reach for the same slot: the index refuses all but one, and claimDue tries again.
import { type RawBuilder, sql } from 'kysely'
import { jsonb } from './sql.ts'

export interface Cap {
  provider: string
  cap: number
}

/** Fragments for claimDue. Without caps they add nothing to its statement. */
export interface Slots {
  /** CTEs between `queue` and `due`, and the name of the one that `due` reads: those whom there is a slot for. */
  admission: RawBuilder<unknown>
  admitted: RawBuilder<unknown>
  /** CTEs after `due`, and the name of the one that submissions read. */
  seating: RawBuilder<unknown>
  seated: RawBuilder<unknown>
  /** The slot of a submission `o`. */
  slot: RawBuilder<unknown>
}

export function slotsFor(caps: readonly Cap[]): Slots {
  if (caps.length === 0) {
    return { admission: sql``, admitted: sql`queue`, seating: sql``, seated: sql`due`, slot: sql`null::integer` }
  }
  return {
    admission: sql`
      caps as materialized (select * from jsonb_to_recordset(${jsonb(caps)}) as caps (provider text, cap integer)),
      free as materialized (
        select caps.provider, numbers.slot, row_number() over (partition by caps.provider order by numbers.slot) as place
        from caps, generate_series(1, caps.cap) as numbers (slot)
        where not exists (select from tasks t where t.provider = caps.provider and t.slot = numbers.slot
          and t.phase in ('submitting', 'unconfirmed', 'running'))),
      ranked as (
        select queue.*, row_number() over (partition by provider, status = 'pending' order by turn, due_at) as place
        from queue),
      admitted as (
        select * from ranked
        where status <> 'pending' or provider not in (select provider from caps)
          or place <= (select count(*) from free where free.provider = ranked.provider)),`,
    admitted: sql`admitted`,
    seating: sql`
      seated as (
        select due.*, row_number() over (partition by provider, was = 'pending' order by turn, id) as place from due),`,
    seated: sql`seated`,
    slot: sql`(select free.slot from free where free.provider = o.provider and free.place = o.place)`,
  }
}
