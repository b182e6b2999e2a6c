// Errors: refusals of one class with one closed list of codes, which `functions/http/request.ts` renders as RFC 9457 problem details.

/** Every code an error answer can carry, with the status it goes with. Programs switch on the code. */
export const problems = {
  invalid_json: 400,
  invalid_request: 400,
  unauthenticated: 401,
  token_expired: 401,
  bad_signature: 401,
  human_check_required: 403,
  link_expired: 403,
  origin_not_allowed: 403,
  not_found: 404,
  method_not_allowed: 405,
  already_running: 409,
  not_waiting: 409,
  not_choosable: 409,
  already_finished: 409,
  attempts_exceeded: 409,
  storage_exceeded: 409,
  confirm_expired: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  range_not_satisfiable: 416,
  idempotency_mismatch: 422,
  quota_exceeded: 429,
  budget_exceeded: 429,
  rate_limited: 429,
  internal: 500,
  not_configured: 503,
  unavailable: 503,
  spending_stopped: 503,
} as const

export type ProblemCode = keyof typeof problems

export interface FieldError {
  path: string
  message: string
}

interface AppErrorOptions {
  cause?: unknown
  /** One entry a wrong field: where it is, and what would be right. */
  errors?: FieldError[]
  headers?: Record<string, string>
  /** Further members of the problem document, e.g. the running `task_id`. */
  extra?: Record<string, unknown>
}

/** A refusal that its receiver can act on: the message says what was wrong and what would be right. */
export class AppError extends Error {
  override name = 'AppError'
  readonly code: ProblemCode
  readonly status: number
  readonly errors: FieldError[] | undefined
  readonly headers: Record<string, string>
  readonly extra: Record<string, unknown>

  constructor(code: ProblemCode, detail: string, options: AppErrorOptions = {}) {
    super(detail, { cause: options.cause })
    this.code = code
    this.status = problems[code]
    this.errors = options.errors
    this.headers = options.headers ?? {}
    this.extra = options.extra ?? {}
  }
}
