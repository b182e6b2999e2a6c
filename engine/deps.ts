// What every endpoint and pass is handed: made once per container by `netlify/runtime.ts`, by tests, and by the fault simulation.
import type { Logger } from 'pino'
import type { Config } from '../core/config.ts'
import type { Wait } from '../core/deadline.ts'
import { AppError } from '../core/errors.ts'
import type { Observation, Provider } from '../core/provider.ts'
import { type Recipe, recipeAt } from '../core/recipe.ts'
import type { ProviderUrls } from '../core/task.ts'
import type { Db } from '../db/statements/sql.ts'
import type { Http } from '../providers/http.ts'
import { providers } from '../providers/index.ts'
import type { Recipes } from '../recipes/index.ts'
import type { Files } from '../storage/files.ts'
import type { Instants } from '../storage/instants.ts'
import type { WakeMark } from '../storage/wake.ts'

export interface Deps {
  config: Config
  db: Db
  files: Files
  wake: WakeMark
  instants: Instants
  http: Http
  providers: ReadonlyMap<string, Provider>
  recipes: Recipes
  log: Logger
  newId(): string
  /** Absent in production, where the database's clock rules. Tests and the simulation hand in their own. */
  now?: () => Date
  /** Absent in production, where time passes by itself. */
  wait?: Wait
}

/** As much as a ping needs to see that nothing is to be done. The rest is loaded when it is asked for. */
export interface LightDeps extends Pick<Deps, 'config' | 'files' | 'wake' | 'instants' | 'log' | 'now' | 'wait'> {
  whole(): Promise<Deps>
}

/** What an endpoint needs of the platform. */
export interface EndpointContext {
  /** Lets work go on after the answer, within the function's life. */
  waitUntil(work: Promise<unknown>): void
}

export type Endpoint<Needs = Deps> = (request: Request, deps: Needs, context: EndpointContext) => Promise<Response>
/** An endpoint that mostly has nothing to do, and then loads next to nothing. */
export type PingEndpoint = Endpoint<Deps | LightDeps>

/** The clock for what never touches the database: tokens and links. */
export function clockOf(deps: Pick<Deps, 'now'>): Date {
  return deps.now?.() ?? new Date()
}

/** A task's recipe, at its provider; undefined where this version doesn't know it. */
export function recipeOf(deps: Pick<Deps, 'recipes'>, task: { recipe: string; provider: string }): Recipe | undefined {
  const recipe = deps.recipes.get(task.recipe)
  return recipe && recipeAt(recipe, task.provider)
}

/** The same for a task that was claimed. Claims only take tasks whose recipe this version knows, so a miss is a fault of ours. */
export function requireRecipe(deps: Deps, task: { recipe: string; provider: string }): Recipe {
  const recipe = recipeOf(deps, task)
  if (!recipe) throw new Error(`there is no recipe ${task.recipe}`)
  return recipe
}

/** A recipe's provider. Throws `not_configured` (503) where its key isn't set. */
export function requireProvider(deps: Deps, recipe: Recipe): Provider {
  const provider = deps.providers.get(recipe.provider)
  if (!provider) throw keyMissing([recipe.provider])
  return provider
}

/** For a recipe that could run at any of these. */
export function keyMissing(names: readonly string[]): AppError {
  const keys = names.map((name) => providers.find((spec) => spec.name === name)?.key ?? `The key of ${name}`)
  return new AppError('not_configured', `${keys.join(' or ')} is not set here.`)
}

/** What the provider says of a prediction. One that can't even be asked, as without its key, is silent: the wait still has its end. */
export async function askProvider(
  deps: Deps,
  recipe: Recipe,
  prediction: { id: string; urls: ProviderUrls },
): Promise<Observation> {
  try {
    return await requireProvider(deps, recipe).check(prediction)
  } catch (error) {
    deps.log.error({ err: error, prediction: prediction.id }, 'the provider could not be asked')
    return { kind: 'unreachable', reason: (error as Error).message }
  }
}
