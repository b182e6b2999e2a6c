// Whose attempt a create is of: known by who built its request, whatever the request carries. The till goes by it, so that a request without
// its marker is somebody's all the same.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { GenerationRequest, Provider } from '../../core/provider.ts'
import type { Recipe } from '../../core/recipe.ts'
import type { Deps } from '../../engine/deps.ts'

/** Of its attempt: the seed, as text. */
const markOf = new WeakMap<GenerationRequest, string>()
const creating = new AsyncLocalStorage<string>()

/** Of the create that is being sent. */
export const markSent = (): string => creating.getStore() ?? ''

/** The last change of an instance's calls: what a mutant does lies within. */
export function withKnownCreates(deps: Deps): Deps {
  return {
    ...deps,
    recipes: new Map([...deps.recipes].map(([name, recipe]) => [name, knowing(recipe)])),
    providers: new Map([...deps.providers].map(([name, provider]) => [name, sending(provider)])),
  }
}

const knowing = (real: Recipe): Recipe => ({
  ...real,
  request: async (input, context) => {
    const request = await real.request(input, context)
    markOf.set(request, String(context.seed))
    return request
  },
})

const sending = (real: Provider): Provider => ({
  ...real,
  submit: (request, options) => creating.run(markOf.get(request) ?? '', () => real.submit(request, options)),
})
