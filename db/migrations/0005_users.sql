-- Users of an identity provider get the prefix `auth:`, so that none can name themselves like an anonymous user. Anonymous ids are
-- UUIDv7, made by the functions; every other id is an identity provider's.
alter table tasks drop constraint tasks_user_id_check;
alter table tasks add constraint tasks_user_id_check check (length(user_id) between 1 and 300);

create function is_anonymous(user_id text) returns boolean language sql immutable
  return user_id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$';

update tasks set user_id = 'auth:' || user_id,
  lock_key = case when lock_key = recipe || ' ' || user_id then recipe || ' auth:' || user_id else lock_key end
where not is_anonymous(user_id);
update daily_starts set user_id = 'auth:' || user_id where not is_anonymous(user_id);

drop function is_anonymous(text);
