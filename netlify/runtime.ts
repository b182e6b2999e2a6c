// The composition root: environment → config → dependencies, once per container. Doors import this and their room, nothing else.
import { getStore } from '@netlify/blobs'
import type { Context } from '@netlify/functions'
import type { DestinationStream } from 'pino'
import { v7 } from 'uuid'
import { parseConfig } from '../core/config.ts'
import { AppError } from '../core/errors.ts'
import { connect } from '../db/connect.ts'
import type { Deps, Room } from '../functions/deps.ts'
import { enter } from '../functions/door.ts'
import { secure } from '../functions/headers.ts'
import { problem } from '../functions/http.ts'
import { openLog } from '../functions/log.ts'
import { openHttp } from '../providers/http.ts'
import { openProviders } from '../providers/index.ts'
import { checkRecipes, openRecipes } from '../recipes/index.ts'
import { openFiles } from '../storage/files.ts'
import { openInstants } from '../storage/instants.ts'
import { openWakeMark } from '../storage/wake.ts'

let opened: Promise<Deps> | undefined

/** A door: its room with this container's dependencies. A wrong environment answers 503 and names what is wrong. */
export function door(room: Room) {
  return async (request: Request, context: Context): Promise<Response> => {
    let deps: Deps
    try {
      opened ??= openDeps()
      deps = await opened
    } catch (cause) {
      opened = undefined
      return secure(problem(new AppError('not_configured', (cause as Error).message, { cause })))
    }
    return enter(room, request, deps, context)
  }
}

/** `destination`: of the log, where standard output is taken by something else. */
export async function openDeps(destination?: DestinationStream): Promise<Deps> {
  const config = parseConfig(process.env)
  await checkRecipes()
  if (!config.DATABASE_URL) throw new Error('DATABASE_URL is not set (a postgres:// address).')
  const log = openLog(config, destination)
  const http = openHttp({ connections: config.HTTP_CONCURRENCY })
  const { db } = connect(config.DATABASE_URL, {
    driver: config.DATABASE_DRIVER,
    // Only its words: pg hangs the whole client on such an error, with the key that cancels its statements.
    onIdleError: ({ message }) => log.warn({ reason: message }, 'a database connection was lost while idle'),
  })
  // A result is shown the moment it is stored, and a mark is looked for right after it was set.
  const store = (name: string) => getStore({ name, consistency: 'strong' })
  return {
    config,
    log,
    http,
    db,
    files: openFiles(store('files')),
    wake: openWakeMark(store('wake'), { now: () => new Date() }),
    instants: openInstants(store('instants'), () => new Date()),
    providers: openProviders(config, http),
    recipes: openRecipes({ hosts: config.IMAGE_HOSTS, allowPrivate: config.ALLOW_PRIVATE_IMAGES }),
    newId: v7,
  }
}
