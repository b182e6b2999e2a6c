-- One row a task, from start to its end. The CHECKs tie status, phase, the open attempt and the instants together, so
-- that no statement, and nobody at a console, can write a row that the engine could not move on.
create table tasks (
  id uuid primary key,
  user_id text not null check (length(user_id) between 1 and 255),
  recipe text not null check (length(recipe) between 1 and 64),
  input jsonb not null,
  auto_continue boolean not null default false,

  status text not null check (status in ('pending', 'processing', 'waiting_continue', 'completed', 'failed', 'canceled')),
  phase text check (phase in ('submitting', 'unconfirmed', 'running', 'storing')),
  current_step integer not null default 0,
  next_step integer,
  total_steps integer not null check (total_steps between 1 and 1000),
  steps jsonb not null default '[]' check (jsonb_typeof(steps) = 'array'),
  intermediate_result text,
  result_url text,

  provider text not null,
  attempt integer not null default 0 check (attempt >= 0),
  claim_token uuid,
  prediction_id text,
  provider_urls jsonb,
  output jsonb,
  submitted_at timestamptz,
  deadline_at timestamptz,
  misses integer not null default 0 check (misses >= 0),
  strays jsonb not null default '[]' check (jsonb_typeof(strays) = 'array'),
  slot integer check (slot > 0),

  due_at timestamptz,
  lock_key text,
  idempotency_key text check (length(idempotency_key) between 1 and 255),
  request_hash text,
  error_code text,
  error_message text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  finished_at timestamptz,

  constraint tasks_step_in_range check (current_step between 0 and total_steps),
  -- What is open or shown is a step; a gate stands before a step that is left, and the end after the last.
  constraint tasks_step_of_status check (
    case status
      when 'processing' then current_step >= 1
      when 'waiting_continue' then current_step between 1 and total_steps - 1
      when 'completed' then current_step = total_steps
      else true
    end),
  -- A pending task, and only that, knows which step it will submit: the next one, or the shown one again (redo).
  constraint tasks_next_step_while_pending check (
    (status = 'pending') = (next_step is not null)
    and next_step between greatest(current_step, 1) and least(current_step + 1, total_steps)),
  -- A canceled task keeps an attempt open only while it is unknown whether the provider has a prediction to cancel.
  constraint tasks_phase_of_status check (
    case status
      when 'processing' then phase is not null
      when 'canceled' then phase is null or phase in ('submitting', 'unconfirmed')
      else phase is null
    end),
  constraint tasks_claim_of_phase check ((phase is null) = (claim_token is null)),
  constraint tasks_prediction_of_phase check ((prediction_id is not null) = coalesce(phase in ('running', 'storing'), false)),
  constraint tasks_output_while_storing check ((output is not null) = coalesce(phase = 'storing', false)),
  constraint tasks_attempt_has_instants check (phase is null or (submitted_at is not null and deadline_at is not null)),
  constraint tasks_gate_has_deadline check (status <> 'waiting_continue' or deadline_at is not null),
  constraint tasks_finished_at_of_ending check ((finished_at is not null) = (status in ('completed', 'failed', 'canceled'))),
  constraint tasks_error_of_failed check (status <> 'failed' or (error_code is not null and error_message is not null)),
  constraint tasks_result_of_completed check ((result_url is not null) = (status = 'completed')),
  -- Every unfinished task is looked at again; a finished one only while something is left to do for it at the provider.
  constraint tasks_due_while_unfinished check (due_at is not null or (finished_at is not null and phase is null))
);

-- What a pass looks at: its size follows the work that is left, not the history.
create index tasks_due on tasks (due_at) where due_at is not null;
-- Lists, newest first: ids are UUIDv7, so they sort by time.
create index tasks_of_user on tasks (user_id, id desc);
create unique index tasks_idempotency on tasks (user_id, idempotency_key) where idempotency_key is not null;
-- The lock of an exclusive recipe is a state: held exactly while the task is unfinished.
create unique index tasks_lock on tasks (lock_key)
  where lock_key is not null and status in ('pending', 'processing', 'waiting_continue');

-- A capped provider's slots: one prediction in flight for each, whoever claims. A row's slot counts only while in flight.
create unique index tasks_slot on tasks (provider, slot)
  where slot is not null and phase in ('submitting', 'unconfirmed', 'running');

-- A queue on a table with history: 20 % of the whole table (the default) would be far too many dead rows.
alter table tasks set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000, fillfactor = 80);

-- What is known of a provider as a whole: while it is paused, nothing is submitted to it by any instance.
create table providers (
  name text primary key,
  paused_until timestamptz,
  paused_for text,
  updated_at timestamptz not null
);

-- What a user has started on the newest day (UTC) that he started anything, where there is a quota. The CHECK is the quota:
-- a start beyond it fails as a whole, however many run at once.
create table daily_starts (
  user_id text primary key,
  day date not null,
  started integer not null,
  quota integer not null,
  constraint daily_starts_within_quota check (started <= quota)
);

-- Instants inside jsonb are written one way: UTC, milliseconds.
create function iso(instant timestamptz) returns text language sql stable
  return to_char(instant at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

-- The task's `steps` once its open attempt is closed: the attempt's record takes its step's place, and what stood there
-- (the attempt before a redo) is kept under `past`.
create function close_attempt(t tasks, ended text, at timestamptz, extra jsonb) returns jsonb language sql stable
  begin atomic
    with attempt as (
      select t.steps -> (t.current_step - 1) as before, jsonb_build_object(
        'step', t.current_step, 'status', ended, 'attempt', t.attempt, 'prediction_id', t.prediction_id,
        'submitted_at', iso(t.submitted_at), 'finished_at', iso(at)) || extra as record)
    select case when before is null then t.steps || jsonb_build_array(record)
      else jsonb_set(t.steps, array[(t.current_step - 1)::text], record || jsonb_build_object('past',
        coalesce(before -> 'past', '[]') || jsonb_build_array(before - 'past'))) end
    from attempt;
  end;

-- One more prediction that no step wants.
create function add_stray(strays jsonb, step integer, attempt integer, prediction text, urls jsonb) returns jsonb
  language sql immutable
  return strays || jsonb_build_array(jsonb_build_object(
    'step', step, 'attempt', attempt, 'prediction_id', prediction, 'urls', coalesce(urls, '{}'), 'over', false));
