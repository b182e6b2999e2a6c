-- What a pass that died leaves is found as quickly as what failed; and so is what could not be told.
create index task_events_deaths on task_events (id) where move = 'died';
create index outbox_given_up on outbox (seq) where given_up_at is not null;

-- The table of the design that this product was asked for in, for queries that were written for it. A task's input is a recipe's own: only a
-- try-on has a person and garments.
create view replicate_tasks as
  select id::text as id, user_id, status, input ->> 'person_image' as person_image, input ->> 'garments' as garments,
    input ->> 'prompt_hints' as prompt_hints, result_url, error_message, prediction_id, intermediate_result, current_step, total_steps,
    created_at, updated_at
  from tasks;
