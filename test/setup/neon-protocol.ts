// The words of Neon's HTTP endpoint: requests read, statements run, answers and errors put as Neon puts them.
import type { IncomingMessage } from 'node:http'
import { DatabaseError, type FieldDef, type PoolClient, types } from 'pg'
import { z } from 'zod'

const statement = z.object({ query: z.string(), params: z.array(z.unknown()).default([]) })
const body = z.union([z.object({ queries: z.array(statement) }), statement])
type Statement = z.infer<typeof statement>

export interface HttpRequest {
  connectionString: string
  statements: Statement[]
  /** The statement that opens the transaction of a batch. */
  begin: string | undefined
  isRawText: boolean
  isArrayMode: boolean
}

const isolation: Record<string, string> = {
  ReadUncommitted: 'read uncommitted',
  ReadCommitted: 'read committed',
  RepeatableRead: 'repeatable read',
  Serializable: 'serializable',
}

export function readRequest({ headers }: IncomingMessage, payload: unknown): HttpRequest | { refused: string } {
  const header = (name: string) => headers[`neon-${name}`]?.toString()
  const connectionString = header('connection-string')
  if (!connectionString) return { refused: 'missing connection string' }
  const parsed = body.safeParse(payload)
  if (!parsed.success) return { refused: 'invalid JSON in request' }
  const level = header('batch-isolation-level')
  if (level !== undefined && !(level in isolation)) return { refused: `invalid isolation level: ${level}` }
  const isBatch = 'queries' in parsed.data
  const modes = [
    level !== undefined && `isolation level ${isolation[level]}`,
    header('batch-read-only') === 'true' && 'read only',
    header('batch-deferrable') === 'true' && 'deferrable',
  ]
  return {
    connectionString,
    statements: 'queries' in parsed.data ? parsed.data.queries : [parsed.data],
    begin: isBatch ? ['begin', modes.filter(Boolean).join(', ')].join(' ') : undefined,
    isRawText: header('raw-text-output') === 'true',
    isArrayMode: header('array-mode') === 'true',
  }
}

export async function answer(client: PoolClient, request: HttpRequest): Promise<unknown> {
  const [first] = request.statements
  if (request.begin === undefined) return first && run(client, request, first)
  await client.query(request.begin)
  try {
    const results: unknown[] = []
    for (const one of request.statements) results.push(await run(client, request, one))
    await client.query('commit')
    return { results }
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

async function run(client: PoolClient, request: HttpRequest, { query, params }: Statement) {
  const { isRawText, isArrayMode } = request
  const config = {
    text: query,
    values: params,
    rowMode: 'array' as const,
    // One statement a request: the extended protocol refuses more, whether or not there are parameters.
    queryMode: 'extended',
    types: { getTypeParser: () => (text: string) => text },
  }
  const result = await client.query<(string | null)[]>(config)
  const value = (text: string | null, { dataTypeID }: FieldDef) => (isRawText ? text : typed(text, dataTypeID))
  const rows = result.rows.map((row) => {
    const values = result.fields.map((field, i) => value(row[i] ?? null, field))
    return isArrayMode ? values : Object.fromEntries(result.fields.map(({ name }, i) => [name, values[i]]))
  })
  const fields = result.fields.map(({ name, dataTypeID, tableID, columnID, dataTypeSize, dataTypeModifier }) => {
    return { name, dataTypeID, tableID, columnID, dataTypeSize, dataTypeModifier, format: 'text' }
  })
  return { command: result.command, rowCount: result.rowCount, rows, fields, rowAsArray: isArrayMode }
}

const { BOOL, INT2, INT4, FLOAT4, FLOAT8, JSON: JSON_TYPE, JSONB } = types.builtins
const elementOf: Record<number, number> = {
  1000: BOOL,
  1005: INT2,
  1007: INT4,
  1021: FLOAT4,
  1022: FLOAT8,
  199: JSON_TYPE,
  3807: JSONB,
  1009: types.builtins.TEXT,
  1015: types.builtins.VARCHAR,
  1016: types.builtins.INT8,
  2951: types.builtins.UUID,
}

const textArray: number = 1009
const parseTextArray: (text: string) => Nested = types.getTypeParser(textArray)
type Nested = (string | null | Nested)[]

/** Without `Neon-Raw-Text-Output` the server itself turns values into JSON. */
function typed(text: string | null, type: number): unknown {
  if (text === null) return null
  if (type === BOOL) return text === 't'
  if (type === INT2 || type === INT4) return Number(text)
  if (type === FLOAT4 || type === FLOAT8) return Number.isFinite(Number(text)) ? Number(text) : text
  if (type === JSON_TYPE || type === JSONB) return JSON.parse(text)
  const element = elementOf[type]
  return element === undefined ? text : typedAll(parseTextArray(text), element)
}

function typedAll(values: Nested, element: number): unknown[] {
  return values.map((one) => (Array.isArray(one) ? typedAll(one, element) : typed(one, element)))
}

const errorFields = [
  'message',
  'code',
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'severity',
  'where',
  'table',
  'column',
  'schema',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
] as const

/** Whatever Postgres said of a statement is the caller's affair; anything else is the server's. */
export function refusal(error: unknown): { status: number; body: unknown } {
  if (!(error instanceof DatabaseError)) return { status: 500, body: { message: String(error), code: null } }
  return { status: 400, body: Object.fromEntries(errorFields.map((name) => [name, error[name] ?? null])) }
}

/** The proxy checks passwords itself, and says so in words; what else keeps it from Postgres is the server's affair. */
export function refusedConnection(error: unknown): { status: number; body: unknown } {
  if (!(error instanceof DatabaseError)) {
    return { status: 500, body: { message: "Couldn't connect to compute node", code: '' } }
  }
  if (error.code?.startsWith('28')) return { status: 400, body: { message: error.message, code: '' } }
  return { status: 500, body: refusal(error).body }
}
