// The dependencies that an idle ping does without: database, providers and recipes.
import { v7 } from 'uuid'
import { connect } from '../db/driver/connect.ts'
import type { Deps } from '../engine/deps.ts'
import { openRecipes } from '../recipes/index.ts'
import { lazyOutside } from './lazy.ts'
import type { Light } from './light.ts'

export function openWhole(light: Light): Deps {
  const { config, log } = light
  const { db } = connect(config.DATABASE_URL ?? '', {
    driver: config.DATABASE_DRIVER,
    // Nobody is to do anything about it, and every restart of a database brings some. Only its words: pg hangs the whole client on
    // such an error, with the key that cancels its statements.
    onIdleError: ({ message }) => log.debug({ reason: message }, 'a database connection was lost while idle'),
    onRepeat: ({ message }) => log.warn({ reason: message }, 'a statement is sent again'),
  })
  return {
    ...light,
    ...lazyOutside(config),
    db,
    recipes: openRecipes({ hosts: config.IMAGE_HOSTS, allowPrivate: config.ALLOW_PRIVATE_IMAGES }),
    newId: v7,
  }
}
