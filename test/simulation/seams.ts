// Where the simulation takes hold of the real code: the database, HTTP, and the blob store that a function call is handed.
// Each access becomes an operation of the scheduler; a mutant changes what passes through here, never the source.
import type { Store } from '@netlify/blobs'
import {
  type CompiledQuery,
  type DatabaseConnection,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely'
import type { Pool } from 'pg'
import { asDatabaseError, DatabaseError } from '../../db/errors.ts'
import type { Database } from '../../db/schema.ts'
import type { Db } from '../../db/sql.ts'
import type { Replicate } from '../../dev/simulator/replicate/index.ts'
import { type Http, HttpFailure, type HttpRequest } from '../../providers/http.ts'
import type { Activity, Fate, Scheduler } from './scheduler.ts'

export type Rewrite = (statement: string) => string

const statementFates = { 'failed before': 0.15, 'failed after': 0.15, 'killed before': 0.15, 'killed after': 0.15 }

export interface DbSeam {
  pool: Pool
  rewrite: Rewrite
  /** Called after a statement took effect, before anything else happens. */
  watch(statement: string): Promise<void>
}

/** The real statements, on the real database, one at a time in the scheduler's order. */
export function openDb(scheduler: Scheduler, activity: Activity, { pool, rewrite, watch }: DbSeam): Db {
  const executeQuery = ({ sql, parameters }: CompiledQuery) =>
    scheduler.operate(activity, {
      label: `statement ${nameOf(sql)}`,
      fates: statementFates,
      run: async () => {
        scheduler.statements += 1
        try {
          const { rows } = await pool.query(rewrite(sql), [...parameters])
          await watch(sql)
          return { rows }
        } catch (error) {
          throw asDatabaseError(error)
        }
      },
      fail: (fate) =>
        new DatabaseError(`statement ${fate}`, fate === 'failed before' ? '08001' : '08007', undefined, fate),
    })
  const connection = { executeQuery } as unknown as DatabaseConnection
  const nothing = async () => undefined
  return new Kysely<Database>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createQueryCompiler: () => new PostgresQueryCompiler(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createDriver: () => ({
        init: nothing,
        destroy: nothing,
        acquireConnection: async () => connection,
        releaseConnection: nothing,
        beginTransaction: nothing,
        commitTransaction: nothing,
        rollbackTransaction: nothing,
      }),
    },
  })
}

/** The names of a statement's moves are its best short description. */
function nameOf(sql: string): string {
  const moves = [...sql.matchAll(/^\s*(\w+) as (?:materialized )?\($/gm)].map((match) => match[1])
  return (
    moves.filter((move) => !['told', 'target', 'queue', 'due', 'terms'].includes(move ?? '')).join('+') ||
    sql.trim().slice(0, 40)
  )
}

/** Creates may be lost, doubled in doubt, or answered by a fault; reads may fail in every way that means nothing. */
const createFates = { 'failed before': 0.6, 'failed after': 0.9, 'killed before': 0.3, 'killed after': 0.6, late: 0.4 }
const cancelFates = { 'failed before': 6, 'failed after': 1, 'killed before': 0.3, 'killed after': 0.3 }
const readFates = { 'failed before': 1, 'killed before': 0.2, 'killed after': 0.2 }

export function openHttp(scheduler: Scheduler, activity: Activity, provider: Replicate): Http {
  return {
    send: (request) => {
      const fates = request.method === 'GET' ? readFates : request.url.endsWith('/cancel') ? cancelFates : createFates
      return scheduler.operate(activity, {
        label: `${request.method} ${new URL(request.url).pathname}`,
        fates,
        run: () => exchange(scheduler, provider, request),
        fail: (fate: Fate) => new HttpFailure(request, true, new Error(`connection ${fate}`)),
      })
    },
    download: (url) =>
      scheduler.operate(activity, {
        label: 'download of an output',
        fates: readFates,
        run: async () => {
          const response = await provider.fetch(new Request(url))
          const bytes = await response.bytes()
          const body = Object.assign(once(bytes), { cancel: () => undefined })
          return { status: response.status, start: 0, total: bytes.byteLength, body }
        },
        fail: (fate) => new HttpFailure({ method: 'GET', url }, true, new Error(`download ${fate}`)),
      }),
    close: async () => undefined,
  }
}

async function* once(bytes: Uint8Array) {
  yield bytes
}

/** Answers of a provider that is out of sorts; they tell nothing of the prediction. A 404 never comes three times in a row. */
const moods = { well: 40, 500: 1, 429: 1, 404: 1, 'unknown status': 1 }
/** To creates: refusals, of which nothing comes, and answers that are lost though the prediction was created. */
const createMoods = { well: 20, 429: 1, 402: 0.3, 401: 0.2, '502 though created': 1, 'half of a 201': 1 }
const missing = new WeakMap<Replicate, Map<string, number>>()

function moodOf(scheduler: Scheduler, provider: Replicate, { method, url }: HttpRequest): string {
  if (!scheduler.faults || url.endsWith('/cancel')) return 'well'
  if (method === 'POST') return scheduler.random.weighted<string>(createMoods)
  const counts = missing.get(provider) ?? new Map<string, number>()
  missing.set(provider, counts)
  const mood = scheduler.random.weighted<string>(moods)
  const inARow = mood === '404' ? (counts.get(url) ?? 0) + 1 : 0
  counts.set(url, inARow)
  return inARow > 2 ? 'well' : mood
}

async function exchange(scheduler: Scheduler, provider: Replicate, request: HttpRequest) {
  const { method, url, headers, body } = request
  const mood = moodOf(scheduler, provider, request)
  if (mood !== 'well') scheduler.note(`the provider answers: ${mood}`)
  if (/^\d+$/.test(mood)) return { status: Number(mood), headers: {}, body: { detail: 'out of sorts' } }
  if (mood === 'unknown status')
    return { status: 200, headers: {}, body: { id: 'x', status: 'pausing', results: 'none' } }
  try {
    const response = await provider.fetch(
      new Request(url, {
        method,
        ...(headers && { headers }),
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    )
    const text = await response.text()
    if (mood === '502 though created') return { status: 502, headers: {}, body: undefined }
    if (mood === 'half of a 201') return { status: 201, headers: {}, body: undefined }
    return { status: response.status, headers: Object.fromEntries(response.headers), body: parse(text) }
  } catch (cause) {
    throw new HttpFailure({ method, url }, true, cause)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What the blob store holds, for all function calls of one simulation. */
export type Blobs = Map<string, { data: Blob; metadata: Record<string, unknown> }>

const blobFates = { 'failed before': 0.1, 'failed after': 0.1, 'killed before': 0.1, 'killed after': 0.1 }

type Operate = <T>(label: string, run: () => T) => Promise<T>

/** Each access is an operation of the scheduler. */
export function gated(scheduler: Scheduler, activity: Activity): Operate {
  return (label, run) =>
    scheduler.operate(activity, {
      label: `blob ${label}`,
      fates: blobFates,
      run: async () => run(),
      fail: (fate) => new Error(`blob store ${fate}`),
    })
}

/** For a look from outside. */
export const ungated: Operate = async (_label, run) => run()

/** The part of Netlify's store that we use, in memory. */
export function openStore(operate: Operate, blobs: Blobs, name: string): Store {
  const at = (key: string) => `${name}/${key}`
  const put = (key: string, data: Blob, metadata: Record<string, unknown>) =>
    operate(`set ${key}`, () => {
      blobs.set(at(key), { data, metadata })
      return { modified: true }
    })
  const store = {
    set: (key: string, data: Blob, options?: { metadata?: Record<string, unknown> }) =>
      put(key, data, options?.metadata ?? {}),
    setJSON: (key: string, data: unknown) => put(key, new Blob([JSON.stringify(data)]), {}),
    getMetadata: (key: string) =>
      operate(`look at ${key}`, () => {
        const found = blobs.get(at(key))
        return found ? { etag: undefined, metadata: found.metadata } : null
      }),
    get: async (key: string, options?: { type?: string }) => {
      const data = await operate(`get ${key}`, () => blobs.get(at(key))?.data)
      if (!data) return null
      return options?.type === 'json' ? JSON.parse(await data.text()) : data.stream()
    },
    // No seed uploads anything, so there is nothing to sweep.
    list: () => operate('list', () => ({ blobs: [], directories: [] })),
    delete: (key: string) => operate(`delete ${key}`, () => void blobs.delete(at(key))),
  }
  return store as unknown as Store
}
