// What every function opens first: its settings, its log, and the way to the blob store. runtime.ts goes on from here, ping.ts mostly not.
import type { Context } from '@netlify/functions'
import type { DestinationStream } from 'pino'
import type { Deps, EndpointContext, LightDeps } from '../engine/deps.ts'
import { openLog } from '../engine/log.ts'
import { enter, notConfigured } from '../functions/http/answer.ts'
import { secure } from '../functions/http/headers.ts'
import { problem } from '../functions/http/request.ts'
import { parseConfig } from '../providers/config.ts'
import { lazyStores } from './lazy.ts'

export type Light = Omit<LightDeps, 'whole'>

/** `destination`: of the log, where standard output is taken by something else. */
export function openLight(destination?: DestinationStream): Light {
  const config = parseConfig(process.env)
  if (!config.DATABASE_URL) throw new Error('DATABASE_URL is not set (a postgres:// address).')
  return { config, log: openLog(config, destination), ...lazyStores() }
}

/** Written into the environment anew by the platform with each invocation. A changed one means other dependencies. */
const injectedNow = () => JSON.stringify(['NETLIFY_DB_URL', 'NETLIFY_DB_DRIVER'].map((name) => process.env[name]))

type EndpointOf<Own> = (request: Request, deps: Own, context: EndpointContext) => Promise<Response>

/**
 * Makes doors of endpoints whose dependencies are opened once per container, by the first of them that is called, and again where the
 * platform has given the container another database. A wrong environment
 * answers 503, is told to the log, and is read again with the next request.
 */
export function doorsOver<Own extends Pick<Deps, 'config' | 'log'>>(open: () => Own) {
  let opened: Own | undefined
  let openedWith = ''
  return (endpoint: EndpointOf<Own>) =>
    async (request: Request, context: Context): Promise<Response> => {
      try {
        const injected = injectedNow()
        if (openedWith !== injected) opened = undefined
        opened ??= open()
        openedWith = injected
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause)
        openLog({ LOG_LEVEL: 'error', LOG_FORMAT: 'json' }).error({ reason }, 'the environment is wrong')
        return secure(problem(notConfigured(cause)))
      }
      return enter(endpoint, request, opened, context)
    }
}
