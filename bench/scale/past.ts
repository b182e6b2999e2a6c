// Years of finished tasks, made by the server itself, in the shape and size that the product leaves behind.
import { Client } from 'pg'

/** A task of one step: started, claimed, created, succeeded, stored. */
export const eventsPerTask = 5
export const pastUsers = 20_000
/** Loaded side by side: one for each of a small machine's processors. */
const loaders = 2

/** `count` finished try-ons, one in twenty of them failed, evenly over the last year; indexed, vacuumed and analyzed. */
export async function insertPast(url: string, count: number): Promise<void> {
  await withClient(url, async (client) => {
    // Sorted at the end, not page by page: several times as fast.
    const { rows: indexes } = await client.query<{ name: string; made: string }>(`
      select indexname as name, indexdef as made from pg_indexes
      where schemaname = 'public' and tablename in ('tasks', 'task_events') and indexname not like '%pkey'`)
    for (const { name } of indexes) await client.query(`drop index ${name}`)
    const share = Math.ceil(count / loaders)
    const bounds = Array.from({ length: loaders }, (_, n): [number, number] => [
      n * share + 1,
      Math.min((n + 1) * share, count),
    ])
    await Promise.all(bounds.map((between) => withClient(url, (one) => load(one, between, count))))
    await client.query(`set maintenance_work_mem = '512MB'`)
    for (const { made } of indexes) await client.query(made)
  })
  await settle(url)
}

/** As after a quiet night: nothing is left to vacuum, the planner knows the tables, and no page waits to be written. */
export async function settle(url: string): Promise<void> {
  await withClient(url, async (client) => {
    await client.query('vacuum (analyze, freeze) tasks')
    await client.query('vacuum (analyze, freeze) task_events')
    await client.query('checkpoint')
  })
}

async function withClient(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

async function load(client: Client, [from, to]: [number, number], count: number): Promise<void> {
  await client.query(pastTasks, [from, to, count])
  await client.query(pastEvents, [from, to, count])
}

/** Ids are UUIDv7: the instant, then bits that differ. What nothing asks for is the same in every row, but as long as in life. */
const past = `
  select n, at, n % 20 = 0 as failed, (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7abc8'
    || lpad(to_hex(n * 2654435761 % 4294967296), 15, '0'))::uuid as id
  from generate_series($1::bigint, $2::bigint) as n,
    lateral (select date_trunc('day', now()) - interval '366 days' + n * interval '365 days' / $3::bigint as at) as instants`

const address = 'https://api.replicate.com/v1/predictions/abcdefghijklmnopqrstuvwxyz'
const file = 'file:inputs/0190a0b0-1234-7000-8000-000000000000/person'
const garment = 'https://shop.test/garments/0123456789abcdef0123456789abcdef.jpg'
const json = (value: unknown) => `'${JSON.stringify(value)}'::jsonb`
const closed = {
  ...{ step: 1, attempt: 1, prediction_id: 'abcdefghijklmnopqrstuvwxyz' },
  ...{ submitted_at: '2026-01-01T00:00:00.000Z', finished_at: '2026-01-01T00:00:20.000Z' },
}
const completed = json([{ ...closed, status: 'completed', files: [{ type: 'image/png', size: 1_234_567 }] }])
const failed = json([{ ...closed, status: 'failed', error_code: 'provider_failed' }])

const pastTasks = `
  with past as (${past})
  insert into tasks (id, user_id, recipe, input, status, current_step, total_steps, steps, result_url, provider, attempt,
    provider_urls, submitted_at, deadline_at, idempotency_key, request_hash, error_code, error_message, created_at, updated_at,
    finished_at)
  select id, 'user-' || (n * 7919) % ${pastUsers}, 'try-on',
    ${json({ person_image: file, garments: [{ image: garment, category: 'upper_body' }] })},
    case when failed then 'failed' else 'completed' end, 1, 1, case when failed then ${failed} else ${completed} end,
    case when not failed then '/api/result?task_id=' || id || '&step=1' end, 'replicate', 1,
    ${json({ get: address, cancel: `${address}/cancel` })}, at, at + interval '1 hour', lpad(n::text, 36, '0'),
    '${'0123456789abcdef'.repeat(4)}', case when failed then 'provider_failed' end,
    case when failed then 'The model ran out of memory.' end, at, at + interval '20 s', at + interval '20 s'
  from past`

const pastEvents = `
  with past as (${past})
  insert into task_events (task_id, at, by, move, was, became, step, attempt, code, reason, failed, rss_mb, heap_mb)
  select id, at + place * interval '5 s', by, move, was, became, e.step, e.step, code, reason, e.failed, 180, 60
  from past cross join (values
    (0, 'user', 'started', null, 'pending', 0, null, null, null::boolean, null::boolean),
    (1, 'start', 'claimed', 'pending', 'processing/submitting', 1, null, null, null, null),
    (2, 'start', 'created', 'processing/submitting', 'processing/running', 1, null, null, null, null),
    (3, 'webhook', 'succeeded', 'processing/running', 'processing/storing', 1, null, null, null, null),
    (4, 'webhook', 'stored', 'processing/storing', 'completed', 1, null, null, false, false),
    (4, 'webhook', 'failed', 'processing/storing', 'failed', 1, 'provider_failed', 'The model ran out of memory.', true, true)
  ) as e (place, by, move, was, became, step, code, reason, failed, of_failed)
  where of_failed is null or of_failed = past.failed`
