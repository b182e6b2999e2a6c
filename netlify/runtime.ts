// The composition root: environment → config → dependencies, once per container. Doors import this and their room, nothing else.
import type { Context } from '@netlify/functions'
import type { DestinationStream } from 'pino'
import type { Deps, Room } from '../functions/deps.ts'
import { enter } from '../functions/door.ts'
import { openLight, whenOpen } from './light.ts'
import { openWhole } from './whole.ts'

let opened: Deps | undefined

/** A door: its room with this container's dependencies. */
export function door(room: Room) {
  const open = () => {
    opened ??= openDeps()
    return opened
  }
  return (request: Request, context: Context): Promise<Response> =>
    whenOpen(open, (deps) => enter(room, request, deps, context))
}

/** `destination`: of the log, where standard output is taken by something else. */
export function openDeps(destination?: DestinationStream): Deps {
  return openWhole(openLight(destination))
}
