-- What happened to a task: one row a move, inserted by the very statement that moved it, never changed, gone with its task.
-- A table of its own, because a task's row is written anew by every look: docs/decisions.md has the figures.
create table task_events (
  task_id uuid not null,
  -- Moves of one task wait for its row's lock, so that their numbers rise as they happened.
  id bigint generated always as identity,
  at timestamptz not null,
  -- What caused it: a person's own call, a pass and its trigger, or a webhook.
  by text,
  move text not null,
  -- Status, or status/phase. Null before the start.
  was text,
  became text not null,
  step integer not null,
  attempt integer not null,
  code text,
  reason text,
  -- True: the step ended without a result. False: with one. Null: it didn't end.
  failed boolean,
  -- Memory of the process that wrote it.
  rss_mb integer,
  heap_mb integer,
  primary key (task_id, id)
);

-- The newest ending, by which a failure knows whether it opens a run; and the newest failure.
create index task_events_endings on task_events (id) where failed is not null;
create index task_events_failures on task_events (id) where failed;

-- A task's history goes with it, however many go at once. (A foreign key would also forbid to truncate `tasks` alone.)
create function forget_events() returns trigger language plpgsql as $$
begin
  if tg_op = 'TRUNCATE' then
    truncate task_events;
  else
    delete from task_events where task_id in (select id from gone);
  end if;
  return null;
end $$;
create trigger tasks_forget_deleted after delete on tasks
  referencing old table as gone for each statement execute function forget_events();
create trigger tasks_forget_truncated after truncate on tasks for each statement execute function forget_events();
