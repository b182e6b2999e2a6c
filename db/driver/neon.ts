// Neon's HTTP driver with what it lacks: a deadline for each statement, and errors that say what became of it. connect() makes one.
import { type NeonDbError, neon, types as own } from '@neondatabase/serverless'
import type { NeonDialectConfig } from 'kysely-neon'
import { withDeadline } from '../../core/deadline.ts'
import { typesOver } from '../statements/schema.ts'
import { asDatabaseError, DatabaseError, isSqlState } from './errors.ts'

type NeonClient = Exclude<NeonDialectConfig['neon'], (...args: never[]) => unknown>

/** When the deadline aborts the request, Neon cancels the statement; whether in time, nobody tells. */
export function neonClient(url: string, timeoutMs: number): NeonClient {
  const sql = neon(url)
  const types = typesOver(own)
  return {
    query: (text, parameters, options) =>
      withDeadline(timeoutMs, (signal) =>
        sql.query(text, parameters, { ...options, types, fetchOptions: { signal } }),
      ).catch((error: unknown) => Promise.reject(asNeonFailure(error))),
  }
}

/** What the proxy in front of Postgres says in words alone, each before it sends a statement on; read in its source. */
const refusals: readonly (readonly [RegExp, code: string, meaning: string])[] = [
  [/password authentication failed/i, '28P01', 'The database refuses the connection'],
  [
    /endpoint (is disabled|cannot be found|is temporarily unavailable)|quota|limit of concurrently active|not allowed to connect|blocked network/i,
    '08004',
    'The database refuses the connection',
  ],
  [
    /too many connections|failed to acquire permit|rate limit/i,
    '53300',
    'The database takes no more connections for now',
  ],
  [
    /couldn't connect to compute node|control plane request failed|endpoint is idle|waiting for endpoint|connection closed at inconsistent/i,
    '57P03',
    'The database is not awake yet',
  ],
]

function asNeonFailure(error: unknown): DatabaseError {
  const answer = answerOf(error)
  if (!answer) return asDatabaseError(error)
  const { status, words, code, constraint } = answer
  const refusal = code === '' ? refusals.find(([pattern]) => pattern.test(words)) : undefined
  if (refusal) return new DatabaseError(`${refusal[2]}: ${words}`, refusal[1], undefined, error)
  if (isSqlState(code)) return new DatabaseError(words, code, constraint, error)
  const said = `Neon answered ${status}: ${words}`
  if (status === 429) return new DatabaseError(said, '53300', undefined, error)
  if (status === 507) return new DatabaseError(said, '54N07', undefined, error)
  if (status === 413) return new DatabaseError(said, '54000', undefined, error)
  // Of 400 nothing is certain either: it is also the answer where Postgres went away in the middle of a statement.
  const wasRefused = status > 400 && status < 500 && status !== 408
  return new DatabaseError(said, wasRefused ? '08004' : '08007', undefined, error)
}

interface Answer {
  status: number
  words: string
  code: string
  constraint: string | undefined
}

/** The driver reads Postgres' fields out of a 400; of any other answer it makes one text. Undefined: there was no answer. */
function answerOf(error: unknown): Answer | undefined {
  if (!(error instanceof Error) || error.name !== 'NeonDbError') return undefined
  const { sourceError, code = '', constraint, message } = error as NeonDbError
  if (sourceError) return undefined
  const [, status, body = ''] = /^Server error \(HTTP status (\d+)\): (.*)$/s.exec(message) ?? []
  if (status === undefined) return { status: 400, words: message, code, constraint }
  const told = parse(body)
  const text = (name: string) => (typeof told[name] === 'string' ? told[name] : undefined)
  return {
    status: Number(status),
    words: text('message') ?? body.slice(0, 200),
    code: text('code') ?? '',
    constraint: text('constraint'),
  }
}

function parse(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value ? (value as Record<string, unknown>) : {}
  } catch {
    return {} // A page of some proxy on the way.
  }
}
