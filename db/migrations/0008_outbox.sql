-- Telling: who wants to hear of tasks, and what is still to be told. Every event is written by the statement that moves its task.
-- docs/telling.md has the whole of it.
alter table tasks
  -- Where an app hears of this task alone, as it said at start. It may hold a secret, and is never shown.
  add column notify_url text check (length(notify_url) <= 2000);

-- Who hears of a user's tasks: a chat, or a browser's push subscription. Webhooks need none: their address is the deployment's or the task's.
create table listeners (
  id uuid primary key default gen_random_uuid(),
  user_id text not null,
  channel text not null check (channel in ('telegram', 'push')),
  -- What tells two listeners of a channel apart: the chat's id, or the subscription's endpoint.
  key text not null check (length(key) between 1 and 2000),
  -- What its channel needs to reach it, and its language.
  address jsonb not null check (jsonb_typeof(address) = 'object'),
  created_at timestamptz not null,
  unique (channel, key, user_id)
);
create index listeners_of_user on listeners (user_id);

-- One row for each event and receiver. While due_at is set it is to be delivered; a claim moves due_at into the future, as a task's does.
create table outbox (
  -- Moves of one task wait for its row's lock, so that their numbers rise as they happened.
  seq bigint generated always as identity primary key,
  -- The event's id as its receiver knows it: the same in every repetition.
  id uuid not null unique default gen_random_uuid(),
  task_id uuid not null,
  user_id text not null,
  type text not null,
  channel text not null check (channel in ('webhook', 'telegram', 'push')),
  -- `url`: the deployment's NOTIFY_URL. `task-url`: the task's own notify_url. Otherwise a listener's id.
  receiver text not null,
  -- When it happened.
  at timestamptz not null,
  -- The task as the move left it, without its input and without anything that opens something.
  task jsonb not null,
  -- What the event tells beside its task.
  more jsonb,
  due_at timestamptz,
  tries integer not null default 0 check (tries >= 0),
  claim uuid,
  delivered_at timestamptz,
  given_up_at timestamptz,
  last_error text,
  constraint outbox_is_open_or_over check (num_nonnulls(due_at, delivered_at, given_up_at) = 1)
);
create index outbox_due on outbox (due_at) where due_at is not null;
-- The order within a task and receiver; and what goes with a task.
create index outbox_of_task on outbox (task_id, receiver, seq);
alter table outbox set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0, fillfactor = 80);

-- What goes with a task: its history, and what was to be told of it.
create or replace function forget_events() returns trigger language plpgsql as $$
begin
  if tg_op = 'TRUNCATE' then
    truncate task_events, outbox;
  else
    delete from task_events where task_id in (select id from gone);
    delete from outbox where task_id in (select id from gone);
  end if;
  return null;
end $$;
