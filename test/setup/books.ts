// Whether the books are right: ledger, counters and tasks tell the same. Tests of db/ and the simulation ask, with whatever sends SQL.

type Query = (text: string) => Promise<{ rows: { fault: string }[] }>

/** Of each day and task, as sentences; nothing where all is right. */
export async function faultsOfBooks(query: Query): Promise<string[]> {
  return (await query(faults)).rows.map(({ fault }) => fault)
}

const faults = `
  with
  entries as (select l.*, t.user_id, l.kind = 'double' as is_double from ledger l join tasks t on t.id = l.task_id),
  kept as (
    select reserved_on as day, user_id, recipe, reserved_micros as micros, false as is_double from tasks where reserved_on is not null
    union all select day, user_id, recipe, settled_micros, is_double from entries),
  wanted as (
    select scope, day, sum(micros) as micros from kept cross join lateral (values ('all'), ('recipe:' || recipe), ('user:' || user_id))
      as scopes (scope) where not (is_double and scope like 'user:%') group by scope, day),
  booked as (select task_id, sum(reserved_micros) as reserved, sum(settled_micros) filter (where not is_double) as settled
    from entries group by task_id)
  select 'counters: ' || scope || ' of ' || day || ' is ' || coalesce(spent_micros, 0) || ', reserved and paid are '
    || coalesce(micros, 0) as fault
  from wanted full join spending using (scope, day) where coalesce(spent_micros, 0) <> coalesce(micros, 0)
  union all
  select 'in flight: the ledger has ' || coalesce(reserved, 0) || ' of ' || id || ' (' || concat_ws('/', status, phase) || ', step '
    || current_step || ')'
  from tasks left join booked on task_id = id
  where coalesce(reserved, 0) <> case when phase is null then 0 else coalesce(price_of(prices, current_step), 0) end
  union all
  select 'paid: the ledger has ' || coalesce(settled, 0) || ' of ' || id || ', its row ' || settled_micros
  from tasks left join booked on task_id = id where coalesce(settled, 0) <> settled_micros
  union all
  select 'kept: ' || id || ' is ' || status || ' and holds ' || reserved_micros
  from tasks where finished_at is not null and phase is null and reserved_micros <> 0`
