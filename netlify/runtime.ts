// The composition root: environment → config → dependencies, opened once per container. Every door makes itself here of its endpoint;
// commands and the benchmark take the dependencies alone. What an idle ping does without (database and recipes) is imported late.
import type { Context } from '@netlify/functions'
import type { DestinationStream } from 'pino'
import { v7 } from 'uuid'
import type { Config } from '../core/config.ts'
import type { Deps, Endpoint, LightDeps } from '../engine/deps.ts'
import { openLog } from '../engine/log.ts'
import { enter, notConfigured } from '../functions/http/answer.ts'
import { secure } from '../functions/http/headers.ts'
import { problem } from '../functions/http/request.ts'
import { parseConfig } from '../providers/config.ts'
import { openHttp } from '../providers/http.ts'
import { openProviders, ownHosts } from '../providers/index.ts'
import { openFiles } from '../storage/files.ts'
import { openInstants } from '../storage/instants.ts'
import { openStoreOf } from '../storage/open.ts'
import { openWakeMark } from '../storage/wake.ts'

/** The door of an endpoint that works with the whole. */
export const door = doorsOver(() => openDeps())

/** The door of an endpoint that mostly finds nothing to do, and asks for the whole when there is something. */
export const pingDoor = doorsOver((): LightDeps => {
  const light = openLight()
  let whole: Promise<Deps> | undefined
  return {
    ...light,
    whole: () => {
      whole ??= openWhole(light)
      return whole
    },
  }
})

/** `destination`: of the log, where standard output is taken by something else. */
export async function openDeps(destination?: DestinationStream): Promise<Deps> {
  return openWhole(openLight(destination))
}

type Light = Omit<LightDeps, 'whole'>

function openLight(destination?: DestinationStream): Light {
  const config = parseConfig(process.env)
  if (!config.DATABASE_URL) throw new Error('DATABASE_URL is not set (a postgres:// address).')
  return { config, log: openLog(config, destination), ...openStores(config) }
}

/** How long a mark or an instant may take: a ping, and a person who cancels, can't wait as long as a file can. */
const patienceMs = 4_000

function openStores(config: Config): Pick<Deps, 'files' | 'wake' | 'instants'> {
  const now = () => new Date()
  const open = openStoreOf(config)
  return {
    files: openFiles(open('files')),
    wake: openWakeMark(open('wake', { patienceMs }), { now }),
    instants: openInstants(open('instants', { patienceMs }), now),
  }
}

async function openWhole(light: Light): Promise<Deps> {
  const { config, log } = light
  const [{ connect }, { openRecipes }] = await Promise.all([
    import('../db/driver/connect.ts'),
    import('../recipes/index.ts'),
  ])
  const { db } = connect(config.DATABASE_URL ?? '', {
    driver: config.DATABASE_DRIVER,
    // Nobody is to do anything about it, and every restart of a database brings some. Only its words: pg hangs the whole client on
    // such an error, with the key that cancels its statements.
    onIdleError: ({ message }) => log.debug({ reason: message }, 'a database connection was lost while idle'),
    onRepeat: ({ message }) => log.warn({ reason: message }, 'a statement is sent again'),
  })
  const http = openHttp({ connections: config.HTTP_CONCURRENCY, own: ownHosts(config) })
  return {
    ...{ ...light, db, http },
    providers: openProviders(config, http),
    recipes: openRecipes({ hosts: config.IMAGE_HOSTS, allowPrivate: config.ALLOW_PRIVATE_IMAGES }),
    newId: v7,
  }
}

/**
 * Makes doors of endpoints. The first of them that is called opens the dependencies for all of them, and whichever is called after the
 * platform has given the container another database opens them again. A wrong environment answers 503, is told to the log, and
 * is read again with the next request.
 */
export function doorsOver<Own extends Pick<Deps, 'config' | 'log'>>(open: () => Own | Promise<Own>) {
  let opened: Promise<Own> | undefined
  let openedWith = ''
  const openOnce = async (): Promise<Own> => {
    const injected = injectedNow()
    if (openedWith !== injected) opened = undefined
    openedWith = injected
    opened ??= (async () => open())()
    const current = opened
    try {
      return await current
    } catch (error) {
      if (opened === current) opened = undefined
      throw error
    }
  }
  return (endpoint: Endpoint<Own>) =>
    async (request: Request, context: Context): Promise<Response> => {
      let deps: Own
      try {
        deps = await openOnce()
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause)
        openLog({ LOG_LEVEL: 'error', LOG_FORMAT: 'json' }).error({ reason }, 'the environment is wrong')
        return secure(problem(notConfigured(cause)))
      }
      return enter(endpoint, request, deps, context)
    }
}

/** Written into the environment anew by the platform with each invocation. A changed one means other dependencies. */
const injectedNow = () => JSON.stringify(['NETLIFY_DB_URL', 'NETLIFY_DB_DRIVER'].map((name) => process.env[name]))
