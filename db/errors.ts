// What a failed statement looks like, whichever driver sent it. Made by connect() only.

const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/**
 * `code` is Postgres' SQLSTATE. Where Postgres said nothing, it is one of two of the standard's own: 08001, the
 * statement was never sent; 08007, it was, and nobody knows whether it took effect.
 */
export class DatabaseError extends Error {
  override name = 'DatabaseError'
  readonly code: string
  /** The violated constraint's name. */
  readonly constraint: string | undefined

  constructor(message: string, code: string, constraint: string | undefined, cause: unknown) {
    super(message, { cause })
    this.code = code
    this.constraint = constraint
  }

  get wasNeverSent(): boolean {
    return this.code === '08001'
  }

  get isConnectionLost(): boolean {
    return this.code.startsWith('08') || this.code.startsWith('57P')
  }
}

export function asDatabaseError(error: unknown, during: 'connecting' | 'querying' = 'querying'): DatabaseError {
  const { message, code, constraint } = fieldsOf(error)
  if (code && /^[0-9A-Z]{5}$/.test(code)) return new DatabaseError(message, code, constraint, error)
  const reason = rootOf(error)
  const { code: system = '', message: words } = fieldsOf(reason)
  const isNeverSent = during === 'connecting' || neverSent.has(system)
  const what = isNeverSent
    ? 'No connection to the database'
    : 'The connection to the database was lost, or its answer late'
  return new DatabaseError(`${what}: ${words || system}`, isNeverSent ? '08001' : '08007', undefined, error)
}

/** Neon wraps fetch's error, fetch wraps the socket's, and a name with two addresses gives one error for both. */
function rootOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  if ('sourceError' in error && error.sourceError) return rootOf(error.sourceError)
  if (error instanceof AggregateError && error.errors.length) return rootOf(error.errors[0])
  return error.cause ? rootOf(error.cause) : error
}

function fieldsOf(error: unknown): { message: string; code?: string; constraint?: string | undefined } {
  if (!(error instanceof Error)) return { message: String(error) }
  const text = (name: string) => {
    const value: unknown = Reflect.get(error, name)
    return typeof value === 'string' && value ? value : undefined
  }
  const code = text('code')
  return { message: error.message, constraint: text('constraint'), ...(code && { code }) }
}
