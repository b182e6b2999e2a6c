-- Erasing, sessions that were ended, and shared pictures.

-- What was deleted and still has to go: noted by the statement that deletes, finished by any later pass, gone when nothing is left. So a
-- process that dies at any moment leaves nothing that nobody knows of.
create table erasures (
  -- A task's is its own id.
  id uuid primary key default gen_random_uuid(),
  kind text not null default 'task' check (kind in ('task', 'upload', 'user')),
  -- An upload's key, or a user's id.
  subject text,
  -- Predictions whose data their provider deletes when it is asked to.
  predictions jsonb not null default '[]' check (jsonb_typeof(predictions) = 'array'),
  noted_at timestamptz not null default now(),
  -- From then on no function that knew of it before can be alive and write for it.
  quiet_at timestamptz not null default now(),
  due_at timestamptz not null default now(),
  constraint erasures_subject_of_kind check ((subject is null) = (kind = 'task'))
);
create index erasures_due on erasures (due_at);

-- For functions of the version before, until the deploy has replaced them: they note deleted tasks under this name.
insert into erasures (id) select id from forgotten;
drop table forgotten;
create view forgotten as select id from erasures where kind = 'task';

-- Sessions that were ended before their time, by a hash of what names them, for as long as their tokens would be good.
create table ended_sessions (
  key text primary key,
  until timestamptz not null
);
create index ended_sessions_until on ended_sessions (until);

-- Pictures that their owner shows to anybody who has the link. Gone with the task.
create table shares (
  id text primary key,
  task_id uuid not null,
  step integer not null,
  attempt integer not null,
  -- Of several candidates: 1 is the first.
  file integer not null,
  -- Whether the picture that the task began with is shown beside it.
  with_before boolean not null,
  created_at timestamptz not null,
  constraint shares_once unique (task_id, step, attempt, file, with_before)
);

create function forget_shares() returns trigger language plpgsql as $$
begin
  if tg_op = 'TRUNCATE' then
    truncate shares;
  else
    delete from shares where task_id in (select id from gone);
  end if;
  return null;
end $$;
create trigger tasks_forget_shares after delete on tasks
  referencing old table as gone for each statement execute function forget_shares();
create trigger tasks_forget_all_shares after truncate on tasks for each statement execute function forget_shares();
