// The shapes of the answers to operators: those of pings, and the details of health. answers.ts has those to users.
import * as z from 'zod'
import { instant, micros, spendingStates } from './answers.ts'
import { type Status, statuses } from './task.ts'

const message = z.string().meta({ description: 'the same for people' })
const count = z.int().min(0)
const pinged = { idle: z.boolean().meta({ description: 'nothing was due' }), duration_ms: z.int() }

export const workedSchema = z.object({ message, submitted: count, rejected: count, unconfirmed: count, ...pinged })
export const checkedSchema = z.object({
  ...{ message, checked: count, completed: count, waiting: count, failed: count },
  ...pinged,
})
export const recoveredSchema = z.object({
  ...workedSchema.shape,
  ...checkedSchema.shape,
  found: count.meta({ description: 'predictions whose create had no answer, found in the list of their provider' }),
  uploads_deleted: count,
  tasks_deleted: count,
  orphans_deleted: count,
})

const byStatus = z.object(Object.fromEntries(statuses.map((status) => [status, count])) as Record<Status, typeof count>)

/** How things stand, for the cron secret alone. */
const standing = z.object({
  database: z.object({ answered_in_ms: z.int() }),
  tasks: byStatus.meta({ description: 'unfinished ones, and finished ones that were started within a day' }),
  recipes: z.record(z.string(), byStatus),
  providers: z.record(
    z.string(),
    z.object({
      in_flight: count,
      cap: count.nullable(),
      paused_until: instant.nullable(),
      paused_for: z.string().nullable(),
      webhooks: z
        .object({
          accepted_at: instant.nullable(),
          refused: count,
          refused_at: instant.nullable(),
          last_reason: z.string().nullable(),
        })
        .meta({ description: 'when one was taken last, to within a minute, and how many were refused' }),
      silent: z
        .object({ tasks: count, checks: count, since: instant, reason: z.string().nullable() })
        .nullable()
        .meta({ description: 'tasks whose last checks it left without an answer, and the most checks in a row' }),
    }),
  ),
  oldest_due_age_seconds: z
    .number()
    .nullable()
    .meta({ description: 'of what passes have missed: not of what waits for the end of a pause, or for a slot' }),
  locks_held: count,
  spending: spendingStates.meta({ description: 'stopped: nothing new begins' }),
  money: z
    .object({ spent_micros: micros, limit_micros: micros.nullable(), left_micros: micros.nullable() })
    .meta({ description: 'of the whole deployment, today (UTC): reserved and paid together' }),
  memory: z.object({ rss_mb: z.int(), heap_mb: z.int(), heap_limit_mb: z.int(), limit_mb: z.int() }),
  last_problem: z
    .object({
      ...{ task_id: z.uuid(), step: z.int(), attempt: z.int(), code: z.string(), message: z.string().nullable() },
      ...{ at: z.string(), by: z.string().nullable() },
      memory: z.object({ rss_mb: z.number().nullable(), heap_mb: z.number().nullable() }),
    })
    .nullable(),
  outbox: z.object({ undelivered: count, given_up: count, oldest_seconds: z.int().nullable() }).meta({
    description: 'events that are still to be told, those that were given up lately, and how old the oldest is',
  }),
  store: z
    .enum(['ok', 'refused', 'silent'])
    .meta({ description: 'whether the blob store answers, or refuses our credentials' }),
  dead_man: z
    .object({
      ...{
        worker: instant.nullable(),
        checker: instant.nullable(),
        recover: instant.nullable(),
        tick: instant.nullable(),
      },
      silent_seconds: z.int().nullable(),
    })
    .meta({ description: 'when each ping last came' }),
})

export const healthySchema = z.object({ status: z.literal('ok'), ...standing.partial().shape })

/** How things stand, but for the time that the database takes to tell it. */
export type Health = Omit<z.infer<typeof standing>, 'database'>
