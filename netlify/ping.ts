// The composition root of doors that mostly find nothing to do: database, providers and recipes are loaded when there is something.
import type { LightDeps } from '../engine/deps.ts'
import { once } from './lazy.ts'
import { doorsOver, openLight } from './light.ts'

export const pingDoor = doorsOver((): LightDeps => {
  const light = openLight()
  return { ...light, whole: once(async () => (await import('./whole.ts')).openWhole(light)) }
})
