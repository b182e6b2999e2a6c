-- Money. Every amount is in millionths of a US dollar, and every line of the ledger is written by the statement that moves the task.
-- docs/money.md tells what is counted, and when.
alter table tasks
  -- What each step was expected to cost when the task started: null where its recipe doesn't know, or for all of an older task.
  add column prices jsonb check (jsonb_typeof(prices) = 'array'),
  -- What the counters hold for this task beside what it has cost: its open attempt, and the steps that haven't begun.
  add column reserved_micros bigint not null default 0 check (reserved_micros >= 0),
  -- The day (UTC) of the newest reserve. All of it is booked on this day, however late it comes.
  add column reserved_on date,
  -- What its attempts have cost.
  add column settled_micros bigint not null default 0 check (settled_micros >= 0),
  -- What the provider's figures make of the open attempt, while its output is being copied.
  add column metered_micros bigint check (metered_micros >= 0),
  -- Why a gate stands that should have opened by itself.
  add column gate_reason text;

-- What is reserved of a user's day: its size follows the unfinished tasks.
create index tasks_reserved on tasks (user_id) where reserved_micros > 0;

-- What a step is expected to cost, or null; and what is known of the steps from this one on.
create function price_of(prices jsonb, step integer) returns bigint language sql immutable
  return (prices ->> (step - 1))::bigint;
create function price_from(prices jsonb, step integer) returns bigint language sql immutable
  return (select coalesce(sum(price::bigint), 0)::bigint
    from jsonb_array_elements_text(prices) with ordinality as listed (price, place) where place >= step);

-- What an attempt's record says of its cost: nothing where it isn't known. And a task's `steps` with that of a step's newest attempt.
create function costed(micros bigint) returns jsonb language sql immutable
  return jsonb_strip_nulls(jsonb_build_object('cost_micros', micros));
create function with_cost(steps jsonb, step integer, micros bigint) returns jsonb language sql immutable
  return case when micros is null then steps else jsonb_set(steps, array[(step - 1)::text, 'cost_micros'], to_jsonb(micros)) end;

-- Whether an attempt that ended without a prediction was booked as paid, and none has turned up since: then the next one is it.
create function is_paid_ahead(steps jsonb, strays jsonb, step integer, attempt integer) returns boolean language sql immutable
  return not strays @> jsonb_build_array(jsonb_build_object('step', step, 'attempt', attempt)) and exists (
    select from jsonb_array_elements(steps) as listed (record),
      jsonb_array_elements(jsonb_build_array(record) || coalesce(record -> 'past', '[]')) as closed (made)
    where made @> jsonb_build_object('step', step, 'attempt', attempt) and made ->> 'prediction_id' is null
      and (made ->> 'cost_micros')::bigint > 0);

-- One entry for each thing that an attempt means in money; a sum over entries is the truth. `reserved` adds to what is in flight,
-- `released` and `settled` take it away, `settled` and `double` add to what was paid. No person is named, and it outlives its task.
create table ledger (
  task_id uuid not null,
  id bigint generated always as identity,
  at timestamptz not null,
  -- On which day's ceilings it counts.
  day date not null,
  kind text not null check (kind in ('reserved', 'released', 'settled', 'double', 'adjusted')),
  recipe text not null,
  provider text not null,
  step integer not null,
  attempt integer not null,
  -- The attempt itself: its number is used again where nothing was sent.
  claim_token uuid not null,
  prediction_id text,
  reserved_micros bigint not null,
  settled_micros bigint not null,
  primary key (task_id, id)
);
-- It grows in the order of time.
create index ledger_at on ledger using brin (at);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the ledger is never changed: what is wrong in it is put right by one more entry';
end $$;
create trigger ledger_is_kept before update or delete or truncate on ledger for each statement execute function refuse_change();

-- What is reserved and paid of a day (UTC), by scope: `all`, `recipe:NAME`, `user:ID`. The CHECK is the ceiling: whoever would pass it
-- fails as a whole, however many try at once.
create table spending (
  scope text collate "C" not null,
  day date not null,
  spent_micros bigint not null,
  -- What was allowed when something was last reserved. Null: nothing ever was.
  ceiling_micros bigint,
  primary key (scope, day),
  constraint spending_within_ceiling check (spent_micros <= ceiling_micros)
) with (fillfactor = 50);

-- What an operator switches for all instances at once.
create table switches (
  name text primary key,
  is_on boolean not null,
  since timestamptz not null,
  by text
);
