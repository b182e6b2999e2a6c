-- Signing in while a task is being started. A statement sees what was committed before it began, so it can't see what it has waited for; each
-- query of a volatile function can. Starts share a lock on their user, and whoever gives all of a user's to an account waits for them: then
-- it sees their tasks, and every later start sees that its session is over.

-- Those of the keys that were ended. The users are locked in one order by all, until the caller's statement is over.
create function ended_of(users text[], keys text[]) returns text[] language sql volatile
  begin atomic
    select pg_advisory_xact_lock_shared(place)
    from (select distinct hashtextextended(one, 0) as place from unnest(users) as listed (one) order by place) as places;
    select array(select key from ended_sessions where key = any(keys));
  end;

-- All tasks of a user, for whom nobody starts one until the caller's statement is over; null where one of the keys was ended before.
create function tasks_of_leaving(leaving text, keys text[]) returns uuid[] language sql volatile
  begin atomic
    select pg_advisory_xact_lock(hashtextextended(leaving, 0));
    select case when not exists (select from ended_sessions where key = any(keys))
      then array(select id from tasks where user_id = leaving) end;
  end;
