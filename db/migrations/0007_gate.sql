-- The gate: how many pictures a prediction is asked for, what single steps are asked for otherwise than the task was started with, and which
-- attempt a person chose.
alter table tasks
  add column candidates integer not null default 1 check (candidates between 1 and 4),
  -- By the step's number: {"change": …, "candidates": …}, of its next or open attempt.
  add column changes jsonb not null default '{}' check (jsonb_typeof(changes) = 'object');

-- The seed that an attempt's request carried: the same number as attemptSeed() in core/recipe.ts.
create function seed_of(claim_token uuid) returns integer language sql immutable
  return ('x' || right(claim_token::text, 8))::bit(32)::integer & 2147483647;

-- What an attempt of a step is asked for, as its record keeps it: nothing where it is as the task was started with.
create function asked_for(changes jsonb, candidates integer, step integer) returns jsonb language sql immutable
  return jsonb_strip_nulls(jsonb_build_object('candidates',
      nullif(coalesce((changes -> step::text ->> 'candidates')::integer, candidates), 1)))
    || case when changes -> step::text ? 'change' then jsonb_build_object('change', changes -> step::text -> 'change') else '{}' end;

-- As before; the record also says what the attempt was asked for, and its seed. A person's choice ends with a newer picture, and outlives an
-- attempt that made none.
create or replace function close_attempt(t tasks, ended text, at timestamptz, extra jsonb) returns jsonb language sql stable
  begin atomic
    with attempt as (
      select t.steps -> (t.current_step - 1) as before, jsonb_build_object(
        'step', t.current_step, 'status', ended, 'attempt', t.attempt, 'prediction_id', t.prediction_id,
        'submitted_at', iso(t.submitted_at), 'finished_at', iso(at), 'seed', seed_of(t.claim_token))
        || asked_for(t.changes, t.candidates, t.current_step) || extra as record)
    select case when before is null then t.steps || jsonb_build_array(record)
      else jsonb_set(t.steps, array[(t.current_step - 1)::text], record
        || case when ended <> 'completed' and before ? 'chosen' then jsonb_build_object('chosen', before -> 'chosen') else '{}' end
        || jsonb_build_object('past', coalesce(before -> 'past', '[]') || jsonb_build_array(before - 'past' - 'chosen'))) end
    from attempt;
  end;

-- A task's `steps` with this attempt's file as its step's result; null where no such file is stored.
create function choose_attempt(steps jsonb, step integer, attempt integer, file integer) returns jsonb language sql immutable
  begin atomic
    select jsonb_set(steps, array[(step - 1)::text, 'chosen'], jsonb_build_object('attempt', attempt, 'file', file))
    from (select steps -> (step - 1) as newest) as listed,
      jsonb_array_elements(jsonb_build_array(newest) || coalesce(newest -> 'past', '[]')) as closed (made)
    where made @> jsonb_build_object('status', 'completed', 'attempt', attempt)
      and file between 1 and jsonb_array_length(coalesce(made -> 'files', '[]'))
    limit 1;
  end;

-- The file that is a step's result, as {"attempt", "file"}: what was chosen, or the newest stored attempt's first. Null where none is stored.
create function chosen_of(steps jsonb, step integer) returns jsonb language sql immutable
  begin atomic
    select coalesce(newest -> 'chosen', (
      select jsonb_build_object('attempt', made -> 'attempt', 'file', 1)
      from jsonb_array_elements(jsonb_build_array(newest) || coalesce(newest -> 'past', '[]')) as closed (made)
      where made ->> 'status' = 'completed' order by (made ->> 'attempt')::integer desc limit 1))
    from (select steps -> (step - 1) as newest) as listed;
  end;

-- Where a task's result is downloaded: the same address as resultUrl() in core/view.ts.
create function result_address(task uuid, step integer, choice jsonb) returns text language sql immutable
  return '/api/result?task_id=' || task || '&step=' || step || '&attempt=' || (choice ->> 'attempt')
    || case when (choice ->> 'file')::integer > 1 then '&file=' || (choice ->> 'file') else '' end;
