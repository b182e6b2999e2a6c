-- Bills. What a provider says later that an attempt was charged corrects what it was settled with: one `adjusted` entry of the ledger for an
-- attempt, at most, which holds the difference.
create unique index ledger_adjusted_once on ledger (task_id, claim_token) where kind = 'adjusted';

-- A task's `steps` with what was charged, by prediction, in the records of the attempts that made them.
create function with_bills(steps jsonb, bills jsonb) returns jsonb language sql immutable
  return (
    select coalesce(jsonb_agg(
      record || costed((bills ->> (record ->> 'prediction_id'))::bigint) || case when record ? 'past' then jsonb_build_object('past', (
        select jsonb_agg(made || costed((bills ->> (made ->> 'prediction_id'))::bigint) order by nth)
        from jsonb_array_elements(record -> 'past') with ordinality as earlier (made, nth))) else '{}' end
      order by place), '[]')
    from jsonb_array_elements(steps) with ordinality as listed (record, place));
