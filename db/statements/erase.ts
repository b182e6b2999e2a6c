// How tasks are erased: the statement that a person's delete, or the retention, makes. It notes what is still to go by the same stroke.
// erasures.ts finishes what was noted.
import { type RawBuilder, sql } from 'kysely'
import { erasedUser, type Stub } from '../../core/erasure.ts'
import type { Task } from '../../core/task.ts'
import { repeatable } from '../driver/retries.ts'
import { booking, bookingsOf, costOf, dayOf, enter, expected, spend } from './money.ts'
import { inPages } from './pages.ts'
import { clock, type Db, firstIdAt, isTold, jsonb, seconds, type Timed, withoutWords } from './sql.ts'

export interface Erasable {
  id: string
  user_id: string
  /** What an open attempt is looked for by, once its input is gone. */
  stub: Stub | null
  /** Uploads that go with it, by what their notes are to be called. */
  uploads?: readonly { id: string; key: string }[]
}

/** What every erasure is told of the deployment. */
export interface ErasureTerms extends Timed {
  /** Providers that delete a prediction's data when they are asked to. */
  erasing: readonly string[]
  /** How long a function that knew of the task before may go on writing for it. */
  quietSeconds: number
}

export interface ErasedTask {
  id: string
  recipe: string
  /** A prediction of it is, or may be, at the provider: the row stays, without a name and a word, until that is over. */
  stays: boolean
  /** Its output was being copied: whoever does may write for a while. */
  copying: boolean
}

/**
 * Any state → nothing. A task that has something left to do at the provider is canceled, emptied and nobody's: a stub, which passes bring
 * to its end. History and shares go too; the ledger names nobody. Of those that aren't their user's, nothing is said.
 */
export async function eraseTasks(db: Db, told: readonly Erasable[], terms: ErasureTerms): Promise<ErasedTask[]> {
  const now = clock(terms)
  const unknown = sql`t.phase in ('submitting', 'unconfirmed')`
  const { rows } = await sql<ErasedTask>`
    with told as materialized (
      select * from jsonb_to_recordset(${jsonb(told)}) as told (id uuid, user_id text, stub jsonb, uploads jsonb)),
    -- 1. Locks the rows. Their own columns are what is booked by.
    t as materialized (
      select t.*, told.stub, told.uploads, coalesce(t.phase in ('running', 'storing'), false) as is_paid,
        coalesce(t.phase in ('submitting', 'unconfirmed', 'running'), false) or t.strays @> '[{"over": false}]' as stays
      from tasks t join told on told.id = t.id and told.user_id = t.user_id
      where ${isTold} order by t.id for update of t),
    judged as materialized (
      select t.*, coalesce(${costOf()} * is_paid::integer, 0) as cost,
        case when ${unknown} then least(t.reserved_micros, ${expected(sql`t.current_step`)}) else 0 end as reserve
      from t),
    -- 2. Notes them: whoever dies from here on, the next pass goes on.
    noted as (
      insert into erasures (id, kind, predictions, noted_at, quiet_at, due_at)
      select t.id, 'task', case when stays then '[]' else ${predictionsOf(terms.erasing)} end, ${now},
        ${now} + ${seconds(sql`${terms.quietSeconds}::float8`)}, ${now}
      from judged t order by t.id on conflict (id) do nothing),
    photos as (
      insert into erasures (id, kind, subject, noted_at, quiet_at, due_at)
      select upload.id, 'upload', upload.key, ${now}, ${now}, ${now}
      from judged t cross join lateral jsonb_to_recordset(t.uploads) as upload (id uuid, key text) order by upload.id),
    -- 3. Deletes those that are over everywhere. Triggers take their history and shares along.
    gone as (delete from tasks where id = any(array(select id from judged where not stays))),
    -- 4. Empties the others. What is left of them names predictions and amounts.
    emptied as (
      update tasks t set user_id = ${erasedUser}, input = coalesce(o.stub, '{}'), status = 'canceled', next_step = null,
        finished_at = coalesce(t.finished_at, ${now}), updated_at = ${now}, result_url = null, intermediate_result = null,
        prediction_id = null, output = null, slot = null, lock_key = null, idempotency_key = null, request_hash = null,
        error_code = null, error_message = null, gate_reason = null, unanswered_reason = null,
        changes = '{}', notify_url = null,
        provider_urls = case when ${unknown} then t.provider_urls end,
        phase = case when ${unknown} then t.phase end, claim_token = case when ${unknown} then t.claim_token end,
        steps = ${withoutWords(sql`case t.status when 'processing' then close_attempt(t, 'canceled', ${now},
          case when ${unknown} then '{}' else costed(o.cost) end) else t.steps end`)},
        reserved_micros = o.reserve, settled_micros = t.settled_micros + o.cost,
        strays = case t.phase when 'running'
          then add_stray(t.strays, t.current_step, t.attempt, t.prediction_id, t.provider_urls) else t.strays end,
        due_at = case when ${unknown} then t.due_at else ${now} end
      from judged o where t.id = o.id and o.stays and t.id = any(array(select id from judged))),
    history as (delete from task_events where task_id = any(array(select id from judged where stays))),
    untold as (delete from outbox where task_id = any(array(select id from judged where stays))),
    shown as (delete from shares where task_id = any(array(select id from judged where stays))),
    -- 5. Books what they have cost, and gives back what never began. What is found out later of an open attempt is nobody's: its user has
    --    paid what was expected, so that nobody gains by deleting.
    ${bookingsOf(sql`
      select t.id, ${booking({
        kind: sql`case when is_paid then 'settled' end`,
        reserved: sql`-${expected(sql`t.current_step`)}`,
        settled: sql`t.cost`,
        ...{ step: sql`t.current_step`, attempt: sql`t.attempt`, token: sql`t.claim_token` },
        ...{ prediction: sql`t.prediction_id`, spent: sql`0`, now },
      })} from judged t`)},
    ${enter(now)},
    ${spend(sql`
      select user_id, recipe, coalesce(reserved_on, ${dayOf(now)}) as day, reserve + cost - reserved_micros as micros, false as asks,
        false as is_double from judged`)}
    select id, recipe, stays, phase is not distinct from 'storing' as copying from judged order by id
  `.execute(db)
  return rows
}

/** All predictions of the row `t` whose provider deletes their data on request. */
export const predictionsOf = (erasing: readonly string[]): RawBuilder<unknown> => sql`
  case when t.provider = any(${erasing}::text[]) then coalesce((
    select jsonb_agg(distinct jsonb_build_object('provider', t.provider, 'id', id))
    from jsonb_array_elements_text(jsonb_path_query_array(
      jsonb_build_array(t.steps, t.strays, jsonb_build_object('prediction_id', t.prediction_id)), '$.**.prediction_id')) as known (id)
    where id is not null), '[]') else '[]' end`

export interface Retention extends ErasureTerms {
  /** Since the task was over. */
  olderThanSeconds: number
  limit: number
}

/**
 * Deletes the oldest finished tasks and notes them, as above: fewer than `limit` when none is left. Ids begin with their instant, so the
 * oldest are the first of the primary key: no index of its own, and a table of millions costs what one of thousands does. Whatever is
 * due at the provider yet, or held by somebody at this moment, stays.
 */
export async function eraseOld(db: Db, { olderThanSeconds, limit, ...terms }: Retention): Promise<string[]> {
  const now = clock(terms)
  const end = sql<Date>`${now} - ${olderThanSeconds}::float8 * interval '1 second'`
  const { rows } = await sql<{ id: string }>`
    with past as materialized (
      select t.id, ${predictionsOf(terms.erasing)} as predictions from tasks t
      where t.id < ${firstIdAt(end)} and t.finished_at < ${end} and t.due_at is null and t.phase is null
      order by t.id limit ${limit} for update skip locked),
    gone as (delete from tasks where id = any(array(select id from past)) returning id)
    insert into erasures (id, kind, predictions, noted_at, quiet_at, due_at)
    select id, 'task', predictions, ${now}, ${now}, ${now} from past order by id on conflict (id) do nothing returning id
  `.execute(db)
  return rows.map(({ id }) => id)
}

export interface OfUser {
  user_id: string
  limit: number
  /** Only tasks that were started before it. */
  before?: Date | undefined
}

/** Tasks of a user, whatever their state, oldest first. */
export async function listErasable(db: Db, { user_id, limit, before }: OfUser): Promise<Task[]> {
  return inPages<Task>(limit, async ({ limit: some, after }) => {
    const { rows } = await sql<Task>`
      select * from tasks where user_id = ${user_id} and ${after ? sql`id > ${after.id}` : sql`true`}
        and ${before ? sql`created_at < ${before}` : sql`true`}
      order by id limit ${some}
    `.execute(repeatable(db))
    return rows
  })
}
