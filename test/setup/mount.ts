// The endpoints behind their own doors' routes on a free port, for what has to reach them over HTTP: a provider that reports by
// webhook or fetches a stored image.
import type { Context } from '@netlify/functions'
import { loadDoors } from '../../build/doors.ts'
import { createServer } from '../../dev/router.ts'
import { clockOf, type Deps, type Endpoint } from '../../engine/deps.ts'
import { cancel } from '../../functions/cancel.ts'
import { checker } from '../../functions/checker.ts'
import { choose } from '../../functions/choose.ts'
import { continueEndpoint } from '../../functions/continue.ts'
import { deleteEndpoint } from '../../functions/delete.ts'
import { health } from '../../functions/health.ts'
import { enter } from '../../functions/http/answer.ts'
import { openapi } from '../../functions/openapi.ts'
import { push } from '../../functions/push.ts'
import { recipes } from '../../functions/recipes.ts'
import { recover } from '../../functions/recover.ts'
import { redo } from '../../functions/redo.ts'
import { result } from '../../functions/result.ts'
import { session } from '../../functions/session.ts'
import { sessionEnd } from '../../functions/session-end.ts'
import { share } from '../../functions/share.ts'
import { start } from '../../functions/start.ts'
import { status } from '../../functions/status.ts'
import { tasks } from '../../functions/tasks.ts'
import { telegram } from '../../functions/telegram.ts'
import { telegramLink } from '../../functions/telegram-link.ts'
import { tick } from '../../functions/tick.ts'
import { upload } from '../../functions/upload.ts'
import { usage } from '../../functions/usage.ts'
import { webhook } from '../../functions/webhook.ts'
import { worker } from '../../functions/worker.ts'

/** Every endpoint by its door's name. */
export const endpoints: Readonly<Record<string, Endpoint>> = {
  ...{
    start,
    status,
    redo,
    cancel,
    choose,
    tasks,
    result,
    session,
    worker,
    checker,
    recover,
    health,
    openapi,
    tick,
    upload,
    recipes,
    push,
    usage,
    webhook,
    share,
  },
  continue: continueEndpoint,
  telegram,
  'telegram-link': telegramLink,
  delete: deleteEndpoint,
  'session-end': sessionEnd,
}

export interface MountedRooms {
  address: string
  /** The dependencies to run on; requests before this are refused. */
  serve(deps: Deps): void
  drain(): Promise<void>
  close(): Promise<void>
}

const quiet = { info: () => undefined, error: () => undefined }

/** `page`: the folder of the page, to be served beside them. */
export async function mountRooms(page?: URL): Promise<MountedRooms> {
  let serving: Deps | undefined
  const doors = await loadDoors(new URL('../../netlify/functions', import.meta.url))
  const mounted = doors.map((door) => ({
    ...door,
    handle: async (request: Request, context: Context) => {
      const endpoint = endpoints[door.name]
      if (!endpoint || !serving) throw new Error(`nothing is mounted for the door ${door.name}`)
      const response = await enter(endpoint, request, serving, context)
      // Of the same clock as the instants in it.
      response.headers.set('date', clockOf(serving).toUTCString())
      return response
    },
  }))
  const router = createServer(mounted, { log: quiet, ...(page && { static: { folder: page } }) })
  const address = await router.listen(0, '127.0.0.1')
  return {
    address: address.replace('localhost', '127.0.0.1'),
    serve: (deps) => {
      serving = deps
    },
    drain: router.drain,
    close: router.close,
  }
}
