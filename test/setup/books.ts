// Whether the books are right: ledger, counters and tasks tell the same. Tests of db/ and the simulation ask, with whatever sends SQL.

type Query = (text: string) => Promise<{ rows: { fault: string }[] }>

/** Of each day and task, as sentences; nothing where all is right. */
export async function faultsOfBooks(query: Query): Promise<string[]> {
  return [...(await query(faults)).rows, ...(await query(faultsOfKept)).rows].map(({ fault }) => fault)
}

/** What a task holds is what its open attempt and the steps that are left may cost. Holds after every statement. */
export const faultsOfKept = `
  select id || ' (' || concat_ws('/', status, phase) || ') holds ' || reserved_micros || ', and needs ' || needed as fault
  from tasks cross join lateral (select case
    when status = 'canceled' and phase is not null then coalesce(price_of(prices, current_step), 0)
    when finished_at is not null or gate_reason is not null then 0
    when phase is not null then price_from(prices, current_step)
    when status = 'pending' then price_from(prices, next_step)
    else price_from(prices, current_step + 1) end as needed) as needs
  where reserved_micros <> needed`

const faults = `
  with
  entries as (select l.*, t.user_id, l.kind = 'double' as is_double from ledger l left join tasks t on t.id = l.task_id),
  -- Whose an erased task was is not known any more: then users are counted together.
  erasing as (select exists (select from entries where user_id is null or user_id = 'erased') or exists (
    select from tasks where user_id = 'erased') or exists (select from spending where scope = 'user:erased') as is_so),
  kept as (
    select reserved_on as day, user_id, recipe, reserved_micros as micros, false as is_double from tasks where reserved_on is not null
    union all select day, user_id, recipe, settled_micros, is_double from entries),
  spending as (
    select case when scope like 'user:%' and is_so then 'user: all' else scope end as scope, day, sum(spent_micros) as spent_micros
    from spending, erasing group by 1, 2),
  wanted as (
    select scope, day, sum(micros) as micros from kept cross join erasing cross join lateral (
      values ('all'), ('recipe:' || recipe), ('user:' || case when is_so then ' all' else user_id end))
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
  select 'in flight: the ledger has ' || sum(reserved_micros) || ' of ' || task_id || ', which is gone'
  from ledger where not exists (select from tasks where id = task_id) group by task_id having sum(reserved_micros) <> 0
  union all
  select 'paid: the ledger has ' || coalesce(settled, 0) || ' of ' || id || ', its row ' || settled_micros
  from tasks left join booked on task_id = id where coalesce(settled, 0) <> settled_micros`
