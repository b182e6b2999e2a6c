// What a failed statement looks like, whichever driver sent it. Made by connect() only.
import { isNeverSent } from '../../core/never-sent.ts'

/**
 * What happened to the statement. Of the first four it is certain that it was not executed; of `lost`, nothing is; all others were
 * undone by Postgres.
 */
export type FailureKind =
  /** No connection came about. */
  | 'unreachable'
  /** The database is suspended or starting, and soon isn't any more. */
  | 'waking'
  /** Too many connections, or too many requests. */
  | 'busy'
  /** A wrong password, a disabled endpoint, a quota that is used up: it stays so until somebody acts. */
  | 'refused'
  /** It was sent, and no answer came, or none that tells anything. */
  | 'lost'
  /** The server's own time limit. */
  | 'late'
  | 'constraint'
  /** A deadlock, or a lock that wasn't waited for. */
  | 'conflict'
  /** SQL or values that Postgres doesn't take, or a request larger than the driver's way to it allows. */
  | 'wrong'
  | 'failed'

/** By the beginning of the SQLSTATE, the longest first. */
const kinds: readonly (readonly [string, FailureKind])[] = [
  ['08001', 'unreachable'],
  ['57P03', 'waking'],
  ['53300', 'busy'],
  ['08004', 'refused'],
  ['3D000', 'refused'],
  ['40003', 'lost'],
  ['54N07', 'lost'],
  ['55P03', 'conflict'],
  ['57014', 'late'],
  ['57P', 'lost'],
  ['08', 'lost'],
  ['22', 'wrong'],
  ['23', 'constraint'],
  ['28', 'refused'],
  ['40', 'conflict'],
  ['42', 'wrong'],
  ['54', 'wrong'],
]

const kindOf = (code: string): FailureKind => kinds.find(([beginning]) => code.startsWith(beginning))?.[1] ?? 'failed'

const unexecuted: readonly FailureKind[] = ['unreachable', 'waking', 'busy', 'refused']

/**
 * `code` is Postgres' SQLSTATE. Where Postgres said nothing, it is one of the standard's own: 08001, the statement was never sent;
 * 08007, it was, and nobody knows whether it took effect; and what db/driver/neon.ts makes of its proxy's words: 54N07, from the
 * part of class 54 (program limit exceeded) that is left to implementations, where the answer is too large for the way back.
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

  get kind(): FailureKind {
    return kindOf(this.code)
  }

  /** It certainly didn't reach Postgres, or wasn't executed there. */
  get wasNeverSent(): boolean {
    return unexecuted.includes(this.kind)
  }

  /** It was executed, perhaps, and every answer as large as its own would be lost as well. */
  get isTooLarge(): boolean {
    return this.code === '54N07'
  }

  get isConnectionLost(): boolean {
    return this.wasNeverSent || this.kind === 'lost'
  }
}

export function asDatabaseError(error: unknown, during: 'connecting' | 'querying' = 'querying'): DatabaseError {
  const { message, code, constraint } = fieldsOf(error)
  if (isSqlState(code))
    return new DatabaseError(message, during === 'connecting' ? unsent(code, message) : code, constraint, error)
  const reason = rootOf(sourceOf(error))
  const { code: system = '', message: words } = fieldsOf(reason)
  const isUnsent = during === 'connecting' || isNeverSent(sourceOf(error))
  const distrust = isUnsent ? distrustOf(reason) : undefined
  if (distrust) return new DatabaseError(`${distrust}: ${words || system}`, '08004', undefined, error)
  const what = isUnsent
    ? 'No connection to the database'
    : 'The connection to the database was lost, or its answer late'
  return new DatabaseError(`${what}: ${words || system}`, isUnsent ? '08001' : '08007', undefined, error)
}

export function isSqlState(code: unknown): code is string {
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)
}

/** What poolers, and Neon's proxy, say in a code that means nothing (08P01, XX000), of what ends by itself. */
const temporary = new RegExp(
  [
    'no more connections|max client connections|too many|cannot connect|login has been failing|shutting down|timeout|paused',
    "couldn't connect to compute node|control plane request failed|endpoint is idle|waiting for endpoint",
  ].join('|'),
  'i',
)

/** Whatever keeps a connection from coming about, nothing was executed. A pooler that doesn't take our way to connect never will. */
function unsent(code: string, words: string): string {
  if (code === '08P01' || code === 'XX000') return temporary.test(words) ? '53300' : '08004'
  return unexecuted.some((kind) => kind === kindOf(code)) ? code : '08001'
}

/** Node's and OpenSSL's words for a certificate that nobody we know has signed, or that is another host's. */
const untrusted =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?)|CERT_\w+)$/

/** A connection that TLS will not let come about until somebody changes the address, in words that say how. */
function distrustOf(reason: unknown): string | undefined {
  const { code = '', message: words, syscall } = fieldsOf(reason)
  if (syscall === 'open') return 'A file that the address names (sslrootcert, sslcert, sslkey) cannot be read'
  if (untrusted.test(code))
    return "The database's certificate is not trusted; add sslrootcert=/path/to/its-authority.pem to the address, beside sslmode"
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return "The database's certificate is another host's"
  if (/does not support SSL/i.test(words)) return 'The database takes no TLS; leave sslmode out of the address'
  return undefined
}

/** Neon's driver keeps fetch's error beside its own. */
const sourceOf = (error: unknown): unknown =>
  error instanceof Error && 'sourceError' in error && error.sourceError ? error.sourceError : error

/** fetch wraps the socket's error, and a name with two addresses gives one error for both. */
function rootOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  if (error instanceof AggregateError && error.errors.length) return rootOf(error.errors[0])
  return error.cause ? rootOf(error.cause) : error
}

interface ErrorFields {
  message: string
  code?: string
  constraint?: string | undefined
  /** What the operating system was asked to do. */
  syscall?: string | undefined
}

function fieldsOf(error: unknown): ErrorFields {
  if (!(error instanceof Error)) return { message: String(error) }
  const text = (name: string) => {
    const value: unknown = Reflect.get(error, name)
    return typeof value === 'string' && value ? value : undefined
  }
  const code = text('code')
  return { message: error.message, constraint: text('constraint'), syscall: text('syscall'), ...(code && { code }) }
}
