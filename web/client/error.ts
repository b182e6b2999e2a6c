// The client's one error class. Every refusal, fault and foreign answer becomes one, so that callers need a single catch.
import type { FieldError, ProblemCode } from '../../core/errors.ts'

/**
 * `unreachable`: no answer, half an answer, or no token to ask with. `unexpected`: an answer that isn't the functions' own, such as a
 * proxy's page.
 */
export type ErrorCode = ProblemCode | 'unreachable' | 'unexpected'

/** Of a busy server's statuses, those that no waiting of minutes mends. */
const lasting: readonly ErrorCode[] = ['not_configured', 'quota_exceeded', 'budget_exceeded', 'spending_stopped']

export class StepgateError extends Error {
  override name = 'StepgateError'
  /** 0 where there was no answer. */
  readonly status: number
  readonly code: ErrorCode
  readonly detail: string
  /** One entry a wrong field. */
  readonly errors: readonly FieldError[]
  /** With `already_running`: which task that is. */
  readonly taskId: string | undefined
  /** With `human_check_required`: of the widget that asks. */
  readonly siteKey: string | undefined
  readonly retryAfterMs: number | undefined
  /** With `budget_exceeded` and `quota_exceeded`: when the day is over, as the functions write instants. */
  readonly resetsAt: string | undefined
  /** With `budget_exceeded`, in millionths of a dollar: what it would have cost, and what is left today. */
  readonly askedMicros: number | undefined
  readonly leftMicros: number | undefined

  constructor(from: Pick<StepgateError, 'status' | 'code' | 'detail'> & Partial<StepgateError>) {
    super(from.detail, { cause: from.cause })
    this.status = from.status
    this.code = from.code
    this.detail = from.detail
    this.errors = from.errors ?? []
    this.taskId = from.taskId
    this.siteKey = from.siteKey
    this.retryAfterMs = from.retryAfterMs
    this.resetsAt = from.resetsAt
    this.askedMicros = from.askedMicros
    this.leftMicros = from.leftMicros
  }

  /** The same request may succeed later: the net, a restart, a moment's overload. */
  get isPassing(): boolean {
    if (lasting.includes(this.code)) return false
    return this.code === 'unreachable' || this.status === 429 || this.status >= 500
  }
}

export const unreachable = (detail: string, cause?: unknown): StepgateError =>
  new StepgateError({ status: 0, code: 'unreachable', detail, cause })

/** What the functions never answer. Asking again gives the same, unless the status says otherwise. */
export const unexpected = ({ status, url }: Pick<Response, 'status' | 'url'>, what: string): StepgateError =>
  new StepgateError({
    status,
    code: 'unexpected',
    detail: `${url || 'The server'} answered HTTP ${status} with ${what}.`,
  })

/** Refused before anything is sent, as the functions would refuse it. */
export const invalid = (path: string, message: string): StepgateError =>
  new StepgateError({ status: 400, code: 'invalid_request', detail: `${path} ${message}`, errors: [{ path, message }] })
