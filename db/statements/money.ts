// Money: how a statement that moves tasks also books what that means. Entries of the ledger, which are never changed; and the day's counters,
// whose CHECK is the ceiling. Counters are locked last, and in one order by all: day, then scope.
//
// A statement uses the fragments in this order. Its UPDATE returns booking(). After everything that moves, book() makes CTEs of it: bookingsOf()
// (the entries as rows), enter() (into the ledger), spend() (onto the counters). Moves that ask for more (start, continue, redo) name the three
// themselves, with spendAndTell() in place of spend(), and select daySpent(), which reportSpent() takes from the answer. A claim, whose attempts
// all begin alike, has bookBegun() and giveBack().
import { type RawBuilder, sql } from 'kysely'
import type { Ceilings } from '../../core/price.ts'
import { tellReached } from './outbox.ts'
import { jsonb, type Timed } from './sql.ts'

/** No sum comes near it. */
const unlimited = '9223372036854775807'

export const dayOf = (now: RawBuilder<Date>): RawBuilder<unknown> => sql`(${now} at time zone 'UTC')::date`

/** What the open attempt of the row `t` has cost, or null: by the provider's figures `told`, or as much as was expected. */
export const costOf = (told: RawBuilder<unknown> = sql`null::bigint`): RawBuilder<unknown> =>
  sql`coalesce(${told}, t.metered_micros, price_of(t.prices, t.current_step))`
/** What a step of the row `t` was expected to cost; what isn't known counts nothing. */
export const expected = (step: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`coalesce(price_of(t.prices, ${step}), 0)`

/** The day whose ceilings the row `t` counts in. */
const bookedOn = (now: RawBuilder<Date>) => sql`coalesce(t.reserved_on, ${dayOf(now)})`

interface BookingOf {
  /** Which entry, as text; null for none. */
  kind: RawBuilder<unknown>
  /** What it adds to what is in flight, and to what was paid. */
  reserved?: RawBuilder<unknown>
  settled?: RawBuilder<unknown>
  /** The attempt: by default that of `o`, the told outcome. */
  step?: RawBuilder<unknown>
  attempt?: RawBuilder<unknown>
  token?: RawBuilder<unknown>
  prediction?: RawBuilder<unknown>
  /** What the counters get; by default the difference between the row and what it was. */
  spent?: RawBuilder<unknown>
  /** A prediction that nobody ordered: it counts for the deployment, and not for the user. */
  isDouble?: RawBuilder<unknown>
  now: RawBuilder<Date>
}

const none = sql`0`

/** What a move (an UPDATE of `t` from `o`) returns beside its result: `booking`. book() takes it from there. */
export function booking(of: BookingOf): RawBuilder<unknown> {
  const { kind, reserved = none, settled = none, isDouble = sql`false`, now } = of
  const { step = sql`o.step`, attempt = sql`o.attempt`, token = sql`o.claim_token`, prediction = sql`null::text` } = of
  const { spent = sql`t.reserved_micros + t.settled_micros - o.reserved_before - o.settled_before` } = of
  return sql`jsonb_build_object('kind', ${kind}, 'reserved', ${reserved}, 'settled', ${settled}, 'spent', ${spent},
    'is_double', ${isDouble}, 'user_id', t.user_id, 'recipe', t.recipe, 'provider', t.provider,
    'day', ${bookedOn(now)}, 'step', ${step}, 'attempt', ${attempt}, 'claim_token', ${token},
    'prediction_id', ${prediction}) as booking`
}

/** An attempt that began: what its step was reserved for is in flight. */
export const begun = {
  kind: sql`'reserved'`,
  reserved: expected(sql`t.current_step`),
  step: sql`t.current_step`,
  attempt: sql`t.attempt`,
  token: sql`t.claim_token`,
  spent: sql`0`,
}

/** CTEs of a statement, after those that moved something: `moves` selects id and booking of what they moved. */
export const book = (moves: RawBuilder<unknown>, now: RawBuilder<Date>): RawBuilder<unknown> => sql`
  ${bookingsOf(moves)},
  ${enter(now)},
  ${spend(sql`select user_id, recipe, day, spent as micros, false as asks, is_double from bookings`)}`

/** The `bookings` of `moves`, which selects id and booking, as rows. */
export const bookingsOf = (moves: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  bookings as materialized (
    select id, b.* from (${moves}) as moves, jsonb_to_record(booking) as b (kind text, reserved bigint, settled bigint, spent bigint,
      is_double boolean, user_id text, recipe text, provider text, day date, step integer, attempt integer, claim_token uuid,
      prediction_id text)
    where booking is not null)`

/** The same for the attempts that a claim began, whose rows are `rows`. They all begin alike, so that none needs a booking of its own. */
export const bookBegun = (rows: RawBuilder<unknown>, now: RawBuilder<Date>): RawBuilder<unknown> => sql`
  bookings as (
    select id, 'reserved' as kind, ${begun.reserved} as reserved, 0 as settled, recipe, provider, ${bookedOn(now)} as day,
      current_step as step, attempt, claim_token, null as prediction_id
    from ${rows} as t),
  ${enter(now)}`

/** Takes back from the counters what was kept for steps that never began. `rows` selects the tasks, each with reserved_before. */
export const giveBack = (rows: RawBuilder<unknown>, now: RawBuilder<Date>): RawBuilder<unknown> =>
  spend(
    sql`select user_id, recipe, ${bookedOn(now)} as day, -reserved_before as micros, false as asks, false as is_double from (${rows}) as t`,
  )

/** The entries of `bookings`. */
export const enter = (now: RawBuilder<Date>): RawBuilder<unknown> => sql`
  entered as (
    insert into ledger (task_id, at, day, kind, recipe, provider, step, attempt, claim_token, prediction_id, reserved_micros, settled_micros)
    select id, ${now}, day, kind, recipe, provider, step, attempt, claim_token, prediction_id, reserved, settled
    from bookings where kind is not null)`

/**
 * Adds to the counters: `amounts` selects user_id, recipe, day, micros, asks and is_double. Who asks may not pass the ceilings. What has
 * been spent is a fact: it moves a ceiling that is in its way, until somebody asks again. Nothing is locked where nothing is added.
 */
export const spend = (amounts: RawBuilder<unknown>, ceilings?: Ceilings): RawBuilder<unknown> => sql`
  spent as (
    insert into spending as s (scope, day, spent_micros, ceiling_micros)
    select scope, day, sum(micros)::bigint, max(ceiling) filter (where asks)
    from (${amounts}) as amounts cross join lateral (values ${scopesOf(ceilings)}) as scopes (scope, ceiling)
    where not (is_double and scope like 'user:%')
    group by day, scope having sum(micros) <> 0 order by day, scope
    on conflict (scope, day) do update set spent_micros = s.spent_micros + excluded.spent_micros,
      ceiling_micros = coalesce(excluded.ceiling_micros, case when s.ceiling_micros is not null
        then greatest(s.ceiling_micros, s.spent_micros + excluded.spent_micros) end)
    returning scope, day, spent_micros)`

/** The same for rows that ask for more: `moves` selects them, and `amounts` their ids too. Who listens is told of a ceiling that is near, or reached. */
export function spendAndTell(
  moves: RawBuilder<unknown>,
  amounts: RawBuilder<unknown>,
  now: RawBuilder<Date>,
  { ceilings, notify }: Timed,
): RawBuilder<unknown> {
  const added = sql`
    select scope, day, sum(micros) as micros, max(ceiling) filter (where asks) as ceiling, max(id::text)::uuid as id
    from (${amounts}) as amounts cross join lateral (values ${scopesOf(ceilings)}) as scopes (scope, ceiling)
    group by scope, day having max(ceiling) filter (where asks) < ${unlimited}::bigint`
  return sql`${spend(amounts, ceilings)}${notify ? tellReached(moves, added, now, notify) : sql``}`
}

/** Select this beside the rows: what the whole deployment has spent today, where this statement changed it. reportSpent() takes it from there. */
export const daySpent = (now: RawBuilder<Date>): RawBuilder<unknown> =>
  sql`(select spent_micros from spent where scope = 'all' and day = ${dayOf(now)}) as day_spent`

/** The rows without it; the caller's `onSpent` hears. */
export function reportSpent<Row extends object>(rows: readonly Row[], timed: Timed): Row[] {
  const told = rows.map(({ day_spent, ...row }: Row & { day_spent?: number | null }) => ({ row, day_spent }))
  const [spent] = told.flatMap((one) => one.day_spent ?? [])
  if (spent !== undefined) timed.onSpent?.(spent)
  return told.map(({ row }) => row as unknown as Row)
}

/** Every counter that a task of this user and recipe counts in, with its ceiling. */
const scopesOf = ({ all, user, recipes }: Ceilings = { all: null, user: null, recipes: {} }) => sql`
  ('all', ${all ?? unlimited}::bigint), ('recipe:' || recipe, coalesce((${jsonb(recipes)} ->> recipe)::bigint, ${unlimited}::bigint)),
  ('user:' || user_id, ${user ?? unlimited}::bigint)`

/** Whether `more` on its day stands above a ceiling of the row `o`: reality was dearer than what was reserved. */
export const isOverspent = (ceilings: Ceilings, more: RawBuilder<unknown>): RawBuilder<unknown> => sql`exists (
  select from (select o.user_id, o.recipe) as amounts cross join lateral (values ${scopesOf(ceilings)}) as scopes (scope, ceiling)
    join spending s on s.scope = scopes.scope and s.day = o.reserved_on and s.spent_micros + ${more} > scopes.ceiling)`

/** Whether an operator has stopped all spending. */
export const isStopped = sql`exists (select from switches where name = 'spending_stopped' and is_on)`
