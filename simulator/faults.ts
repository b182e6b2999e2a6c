// The faults a simulated provider can be told to show, and the queue they wait in.
// Each is used up by the first request or event that it fits, `times` in all; the rest of the traffic is served well.

import { z } from 'zod'

const times = z.int().min(1).default(1)
/** Whose fault it is, where both are told in one list; without it, Replicate's. */
const provider = z.enum(['replicate', 'fal']).optional()
const seconds = z.number().min(0)
const retry = { retry_after: z.int().min(0).default(30), header: z.boolean().default(false) }

// What a fault may be narrowed to: the model, and any text within the JSON of the prediction's input.
const subject = { provider, times, model: z.string().optional(), input_contains: z.string().optional() }

// What the client can't tell apart (did it take effect or not?), and what it can.
const unclear = ['reset_before', 'reset_after', 'error_before', 'error_after', 'hang_before', 'hang_after'] as const

const createFault = z.strictObject({
  on: z.literal('create'),
  fault: z.enum([...unclear, 'truncated', 'slow', 'rate_limited', 'no_credit', 'rejected']),
  status: z.int().min(500).max(599).default(502),
  delay_ms: z.number().min(0).default(3000),
  /** For truncated: the connection breaks in the body, which otherwise ends early but in order. */
  reset: z.boolean().default(false),
  ...retry,
  ...subject,
})

const readFaults = ['error', 'not_found', 'rate_limited', 'reset', 'hang'] as const
const read = { status: z.int().min(500).max(599).default(503), ...retry }

const getFault = z.strictObject({
  on: z.literal('get'),
  fault: z.enum([...readFaults, 'unknown_status']),
  word: z.string().default('paused'),
  ...read,
  ...subject,
})

// fal's result is a second address beside the status. Its errors are a gateway's; how a request itself failed is its outcome.
const resultFault = z.strictObject({
  on: z.literal('result'),
  fault: z.enum([...readFaults, 'truncated']),
  ...read,
  ...subject,
})

const listFault = z.strictObject({
  on: z.literal('list'),
  fault: z.enum([...readFaults, 'unknown_status', 'empty', 'lag']),
  word: z.string().default('paused'),
  seconds: seconds.default(10),
  ...read,
  provider,
  times,
})

const cancelFault = z.strictObject({
  on: z.literal('cancel'),
  fault: z.enum([...readFaults, 'unknown_status', 'error_after', 'reset_after', 'ignored']),
  word: z.string().default('paused'),
  ...read,
  ...subject,
})

// What becomes of the next prediction; `seconds` is how long it takes until then. Only at fal: a failure that nothing but the
// result tells of, an internal second run, and the HTTP status and error type of a failure.
const outcomeFault = z.strictObject({
  on: z.literal('outcome'),
  fault: z.enum(['seconds', 'failed', 'canceled', 'aborted', 'data_removed', 'no_output', 'result_only', 'rerun']),
  seconds: seconds.optional(),
  error: z.string().default('E1000: the model failed'),
  status: z.int().min(400).max(599).optional(),
  error_type: z.string().optional(),
  ...subject,
})

const fileFault = z.strictObject({
  on: z.literal('file'),
  fault: z.enum(['error', 'reset', 'reset_midway', 'not_an_image', 'too_large', 'not_found', 'hang']),
  status: z.int().min(500).max(599).default(503),
  ...subject,
})

// The last two are fal's: a webhook without its payload, and one whose header names another request.
const webhookFault = z.strictObject({
  on: z.literal('webhook'),
  fault: z.enum([
    'lost',
    'repeated',
    'delayed',
    'reordered',
    'bad_signature',
    'stale_timestamp',
    'payload_error',
    'mismatched_id',
  ]),
  event: z.enum(['start', 'output', 'completed']).optional(),
  copies: z.int().min(1).default(1),
  seconds: seconds.default(10),
  ...subject,
})

export const faultSchema = z.discriminatedUnion('on', [
  createFault,
  getFault,
  resultFault,
  listFault,
  cancelFault,
  outcomeFault,
  fileFault,
  webhookFault,
])

type Fault = z.output<typeof faultSchema>
export type FaultInput = z.input<typeof faultSchema>
export type FaultOn<On extends Fault['on']> = Extract<Fault, { on: On }>

/** What a fault is matched against; a list request has none of it. */
interface Subject {
  readonly model?: string
  readonly input?: unknown
  readonly event?: string
}

export interface FaultQueue {
  add(faults: readonly FaultInput[]): void
  /** The oldest waiting fault that fits, used up once. */
  take<On extends Fault['on']>(on: On, subject?: Subject): FaultOn<On> | undefined
  waiting(): readonly Fault[]
  clear(): void
}

export function createFaultQueue(): FaultQueue {
  let queue: { fault: Fault; left: number }[] = []
  return {
    add(faults) {
      const parsed = faults.map((fault) => faultSchema.parse(fault))
      queue.push(...parsed.map((fault) => ({ fault, left: fault.times })))
    },
    take<On extends Fault['on']>(on: On, subject: Subject = {}) {
      const isOn = (fault: Fault): fault is FaultOn<On> => fault.on === on
      const entry = queue.find(({ fault }) => isOn(fault) && fits(fault, subject))
      if (entry === undefined || !isOn(entry.fault)) return undefined
      entry.left -= 1
      if (entry.left === 0) queue = queue.filter((other) => other !== entry)
      return entry.fault
    },
    waiting: () => queue.map(({ fault, left }) => ({ ...fault, times: left })),
    clear() {
      queue = []
    },
  }
}

function fits(fault: Fault, subject: Subject): boolean {
  if (fault.on === 'list') return true
  if (fault.on === 'webhook' && fault.event !== undefined && fault.event !== subject.event) return false
  if (fault.model !== undefined && fault.model !== subject.model) return false
  return fault.input_contains === undefined || JSON.stringify(subject.input ?? null).includes(fault.input_contains)
}
