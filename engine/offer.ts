// Which recipes this deployment offers, and at which provider: those whose key is set, and those of a non-commercial licence only where the
// environment says that this is no business. What was started goes on with its own provider, whatever is offered since. Start, the list of
// recipes and the contract ask.
import { AppError } from '../core/errors.ts'
import { placesOf, type Recipe } from '../core/recipe.ts'
import { type Deps, keyMissing } from './deps.ts'

type Asked = Pick<Deps, 'config' | 'providers' | 'recipes'>

/** In the order of the index. */
export const offeredRecipes = (deps: Asked): Recipe[] =>
  [...deps.recipes.values()].flatMap((recipe) => (isAllowed(deps, recipe) ? (atKnownProvider(deps, recipe) ?? []) : []))

/** What a task of this name is started as. Throws `invalid_request` or `not_configured` (503), saying what would be right. */
export function requireOffered(deps: Asked, name: string): Recipe {
  const recipe = deps.recipes.get(name)
  if (!recipe) {
    const known = offeredRecipes(deps).map((one) => one.name)
    throw refused(`there is no such recipe; known are: ${known.join(', ')}`)
  }
  if (recipe.nonCommercial && !isAllowed(deps, recipe)) {
    const { licence, source } = recipe.nonCommercial
    throw refused(
      `is off here: its model may be used non-commercially only (${licence}, ${source}); ENABLE_NONCOMMERCIAL=1 turns it on`,
    )
  }
  const offered = atKnownProvider(deps, recipe)
  if (offered) return offered
  throw keyMissing(placesOf(recipe).map(({ provider }) => provider))
}

const isAllowed = ({ config }: Asked, { nonCommercial }: Recipe): boolean =>
  nonCommercial === undefined || config.ENABLE_NONCOMMERCIAL

const atKnownProvider = ({ providers }: Asked, recipe: Recipe): Recipe | undefined =>
  placesOf(recipe).find(({ provider }) => providers.has(provider))

const refused = (message: string) =>
  new AppError('invalid_request', `recipe: ${message}`, { errors: [{ path: 'recipe', message }] })
