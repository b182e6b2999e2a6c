// The composition root: environment → config → dependencies, once per container. Doors import this and their endpoint, nothing else.
import type { DestinationStream } from 'pino'
import type { Deps } from '../engine/deps.ts'
import { doorsOver, openLight } from './light.ts'
import { openWhole } from './whole.ts'

/** A door: its endpoint with this container's dependencies. */
export const door = doorsOver(() => openDeps())

/** `destination`: of the log, where standard output is taken by something else. */
export function openDeps(destination?: DestinationStream): Deps {
  return openWhole(openLight(destination))
}
