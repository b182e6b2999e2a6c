// POST /api/start: accepts a task. After its 202 the task reaches an end as long as anything triggers passes. The door calls start(), and the bot
// startAs().
import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { Started as Answer } from '../core/answers.ts'
import { AppError } from '../core/errors.ts'
import { knownFrom, pricesOf } from '../core/price.ts'
import type { Recipe, startFields } from '../core/recipe.ts'
import { faultOfSteps } from '../core/soundness.ts'
import { DatabaseError } from '../db/driver/errors.ts'
import { readStarted } from '../db/statements/reads.ts'
import { type NewTask, type Started, startTask } from '../db/statements/start.ts'
import type { Deps, Endpoint, EndpointContext } from '../engine/deps.ts'
import { causedBy } from '../engine/journal.ts'
import { requireOffered } from '../engine/offer.ts'
import { triggerPass } from '../engine/trigger.ts'
import { type TakenInput, takeFiles } from './http/input-files.ts'
import { lockOf, roomFault, withinLimits } from './http/limits.ts'
import { requireNotifyUrl } from './http/notify-url.ts'
import { shortenOwn } from './http/own-addresses.ts'
import { withFrom } from './http/own-results.ts'
import { invalid, json, readJson, requireMethod, requireValid } from './http/request.ts'
import { candidatesField, requireCandidates } from './http/step-change.ts'
import { requireReader, type Who } from './http/users.ts'

export const defaultRecipe = 'try-on'

export const startEnvelope = z.looseObject({
  recipe: z.string().max(64).default(defaultRecipe),
  auto_continue: z.boolean().default(false),
  /** A stored result of one's own, instead of the recipe's first image. */
  from: z
    .strictObject({
      task_id: z.uuid(),
      step: z.int().min(1).max(1_000),
      attempt: z.int().min(1).max(1_000_000).optional(),
      file: z.int().min(1).max(1_000).optional(),
    })
    .optional(),
  candidates: candidatesField,
  /** Where this task's events go, as well. */
  notify_url: z.string().optional(),
} satisfies Record<(typeof startFields)[number], z.ZodType>)

export const start: Endpoint = async (request, deps, context) => {
  requireMethod(request, 'POST')
  const who = await requireReader(request, deps)
  const body = await readJson(request, z.looseObject({}))
  const asked = { ...who, idempotency_key: idempotencyKey(request), fields: shortenOwn(request, deps, body) }
  const { started: task, recipe } = await startAs(deps, context, asked)
  const answer: Answer = {
    task_id: task.id,
    status: task.status,
    current_step: task.current_step,
    total_steps: task.total_steps,
    status_url: `/api/status?task_id=${task.id}`,
    estimated_time_seconds: task.total_steps * recipe.stepSeconds,
  }
  return json(answer, task.created ? 202 : 200)
}

/** A start request without its HTTP. */
interface AskedStart extends Who {
  idempotency_key: string | null
  /** The body. */
  fields: unknown
}

/** Starts a user's task, whichever door they came through. Refuses by AppError, as the endpoint does. */
export async function startAs(
  deps: Deps,
  context: EndpointContext,
  { user_id: userId, session, idempotency_key, fields: body }: AskedStart,
): Promise<{ started: Started; recipe: Recipe }> {
  const {
    recipe: name,
    auto_continue,
    notify_url: asked_url,
    from,
    candidates = 1,
    ...fields
  } = requireValid(startEnvelope, body)
  const recipe = requireOffered(deps, name)
  requireCandidates(recipe, candidates)
  const notify_url = requireNotifyUrl(deps.config, asked_url)
  const input = requireValid(recipe.input, withFrom(recipe, from, fields))
  const stepFault = faultOfSteps(recipe.totalSteps(input))
  if (stepFault) throw invalid([{ path: '', message: `gives recipe ${name} ${stepFault}` }])
  const prices = pricesOf(recipe, input, candidates)
  const request_hash = hash({
    name,
    auto_continue,
    ...(notify_url && { notify_url }),
    input,
    ...(candidates > 1 && { candidates }),
  })
  const startedBefore = async () =>
    idempotency_key ? await readStarted(deps.db, { user_id: userId, idempotency_key, session }) : undefined
  const id = deps.newId()
  let taken: TakenInput
  try {
    taken = await takeFiles(deps, { id, user_id: userId, isFrom: from !== undefined }, input, recipe)
  } catch (error) {
    // A repeated request's uploads may have been deleted since; its task has had copies of its own from the start.
    const earlier = await startedBefore()
    if (!earlier) throw error
    return accepted(deps, context, { started: earlier, request_hash, recipe })
  }
  const task: NewTask = {
    id,
    user_id: userId,
    session,
    recipe: recipe.name,
    provider: recipe.provider,
    input: taken.input,
    auto_continue: auto_continue || recipe.gate === 'auto',
    total_steps: prices.length,
    candidates,
    prices,
    lock_key: lockOf(recipe, userId),
    notify_url,
    idempotency_key,
    request_hash,
    daily_quota: deps.config.DAILY_TASKS_PER_USER,
  }
  // First what leaves nothing behind if it fails.
  const [fullRoom] = await Promise.all([roomFault(deps, userId), deps.wake.raise()])
  // A repeated request's files needn't be written at all, and no room is too full for it.
  const earlier = taken.count > 0 || fullRoom ? await startedBefore() : undefined
  if (earlier) return accepted(deps, context, { started: earlier, request_hash, recipe })
  if (fullRoom) throw fullRoom
  const started = await insertWithFiles(deps, task, taken, context)
  if (started.created) context.waitUntil(taken.settle())
  else await taken.discard()
  return accepted(deps, context, { started, request_hash, recipe })
}

async function insertWithFiles(
  deps: Deps,
  task: NewTask,
  taken: TakenInput,
  context: EndpointContext,
): Promise<Started> {
  try {
    await taken.write()
    const asks = async () => ({ recipe: task.recipe, micros: knownFrom(task.prices ?? null, 1) })
    const write = () => startTask(deps.db, task, causedBy(deps, 'user', context))
    return await withinLimits(deps, { ...task, asks, context }, write)
  } catch (error) {
    // Not where the task may be there: a lost connection may have come after its insert. Files without a task are swept.
    if (!(error instanceof DatabaseError)) await taken.discard()
    throw error
  }
}

function idempotencyKey(request: Request): string | null {
  const key = request.headers.get('idempotency-key')
  if (key === null || /^[\x21-\x7e]{1,255}$/.test(key)) return key
  throw invalid([{ path: 'Idempotency-Key', message: 'must be 1 to 255 visible ASCII characters' }])
}

/** Schemas write an input's fields in one order, so the same request gives the same hash. */
function hash(request: unknown): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('base64url')
}

interface Accepted {
  started: Started
  /** Of the request that is answered; the task may be that of an earlier one. */
  request_hash: string
  recipe: Recipe
}

function accepted(deps: Deps, context: EndpointContext, { started, request_hash, recipe }: Accepted) {
  if (started.request_hash !== request_hash) {
    throw new AppError('idempotency_mismatch', 'This Idempotency-Key was used for another request; use a new one.')
  }
  triggerPass(deps, context, { by: 'start', taskId: started.id })
  return { started, recipe }
}
