// The composition root of doors that mostly find nothing to do: database, providers and recipes are loaded when there is something.
import type { Context } from '@netlify/functions'
import type { LightDeps, PingRoom } from '../functions/deps.ts'
import { enter } from '../functions/door.ts'
import { once } from './lazy.ts'
import { openLight, whenOpen } from './light.ts'

let opened: LightDeps | undefined

export function pingDoor(room: PingRoom) {
  const open = () => {
    opened ??= openPing()
    return opened
  }
  return (request: Request, context: Context): Promise<Response> =>
    whenOpen(open, (deps) => enter(room, request, deps, context))
}

function openPing(): LightDeps {
  const light = openLight()
  return { ...light, whole: once(async () => (await import('./whole.ts')).openWhole(light)) }
}
