-- What a claim and a check leave in the row beside the state. No statement of their own writes it.
alter table tasks
  -- The claim that took the row last: whoever lost its answer asks for it by this name.
  add column claim_id uuid,
  -- When a pass last took the row to ask its provider.
  add column checked_at timestamptz,
  -- Checks in a row that the provider left without an answer, since when, and what came instead.
  add column unanswered integer not null default 0 check (unanswered >= 0),
  add column unanswered_since timestamptz,
  add column unanswered_reason text,
  -- The last 404: a pass and a webhook that hear of the same one count it once.
  add column missed_at timestamptz;

-- Whose a prediction is, while it is in flight: a report for one task can't take or cancel another one's.
create index tasks_prediction on tasks (prediction_id) where prediction_id is not null;

-- What became of a provider's webhooks at our door.
alter table providers
  add column webhook_accepted_at timestamptz,
  add column webhooks_refused integer not null default 0 check (webhooks_refused >= 0),
  add column webhook_refused_at timestamptz,
  add column webhook_refused_for text;
