// What a process that was killed leaves: a claim that ran out without an answer. The next claim (claim.ts) finds it, and the history tells of it as
// an event of its own, with the memory that the process had: an operator then knows what a restart was about.
import { sql } from 'kysely'
import { storingLeaseSeconds } from '../../core/decide.ts'
import { seconds } from './sql.ts'

/**
 * The claim before this one ran out without an answer: whoever held it died, or could not write. A submission's is always told of; that of
 * a copy leaves its own lease in the row.
 */
export const hasDied = sql`(t.phase = 'submitting' or coalesce(t.phase = 'storing'
  and t.due_at = greatest(t.checked_at, t.updated_at) + ${seconds(sql`${storingLeaseSeconds}`)}, false))`

/** That it died, with the memory that its process had when it last wrote here: an event of its own, before what this claim does. */
export const died = sql`
  select due.id, 'died' as did, jsonb_build_object('died', true, 'was', state, 'became', state, 'step', due.step, 'attempt', due.open_attempt,
    'by', last.by, 'rss_mb', last.rss_mb, 'heap_mb', last.heap_mb) as entry
  from due cross join lateral (select concat_ws('/', due.was, due.phase) as state) as states
    left join lateral (select by, rss_mb, heap_mb from task_events e where e.task_id = due.id order by e.id desc limit 1) as last on true
  where due.has_died`
