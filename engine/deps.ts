// What every room is handed: made once per container by `netlify/runtime.ts`, by tests, and by the fault simulation.
import type { Logger } from 'pino'
import type { Config } from '../core/config.ts'
import type { Provider } from '../core/provider.ts'
import type { Db } from '../db/statements/sql.ts'
import type { Http } from '../providers/http.ts'
import type { Recipes } from '../recipes/index.ts'
import type { Files } from '../storage/files.ts'
import type { Instants } from '../storage/instants.ts'
import type { WakeMark } from '../storage/wake.ts'

export interface Deps {
  config: Config
  db: Db
  files: Files
  wake: WakeMark
  instants: Instants
  http: Http
  providers: ReadonlyMap<string, Provider>
  recipes: Recipes
  log: Logger
  newId(): string
  /** Absent in production, where the database's clock rules. Tests and the simulation hand in their own. */
  now?: () => Date
  /** Absent in production, where time passes by itself. Rejects when the signal aborts. */
  wait?: (ms: number, signal: AbortSignal) => Promise<void>
}

/** As much as a ping needs to see that nothing is to be done. The rest is loaded when it is asked for. */
export interface LightDeps extends Pick<Deps, 'config' | 'files' | 'wake' | 'instants' | 'log' | 'now' | 'wait'> {
  whole(): Promise<Deps>
}

/** What a room needs of the platform. */
export interface RoomContext {
  /** Lets work go on after the answer, within the function's life. */
  waitUntil(work: Promise<unknown>): void
}

export type Room = (request: Request, deps: Deps, context: RoomContext) => Promise<Response>
/** A room that mostly has nothing to do, and then loads next to nothing. */
export type PingRoom = (request: Request, deps: Deps | LightDeps, context: RoomContext) => Promise<Response>

/** The clock for what never touches the database: tokens and links. */
export function clockOf(deps: Pick<Deps, 'now'>): Date {
  return deps.now?.() ?? new Date()
}
