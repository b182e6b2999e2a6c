// Whether a recipe can be run at all, as far as types can't tell. Asked once at start-up, so that a mistake in a recipe is a sentence in
// the log then, and not a task that fails after somebody has started it.
import type { GenerationRequest } from './provider.ts'
import type { Recipe } from './recipe.ts'

/** What the table accepts. */
const mostSteps = 1_000

/** Throws with a sentence that names the recipe and what is wrong. */
export async function requireSound(recipe: Recipe): Promise<void> {
  const wrong = (what: string) => new Error(`recipe ${recipe.name}: ${what}`)
  const numbers = { maxBytes: recipe.maxBytes, stepSeconds: recipe.stepSeconds, ...recipe.timing }
  for (const [name, value] of Object.entries(numbers)) {
    if (!(value > 0)) throw wrong(`${name} is ${value}; it must be more than 0`)
  }
  if (recipe.accept.length === 0) throw wrong('accept is empty; name the types of its output')
  const input = exampleInput(recipe)
  const steps = recipe.totalSteps(input)
  if (!(Number.isInteger(steps) && steps >= 1 && steps <= mostSteps))
    throw wrong(`its example has ${steps} steps; a task has 1 to ${mostSteps}`)
  const urls = recipe.outputUrls(recipe.example.output)
  if (urls.length === 0) throw wrong('outputUrls finds no file in its example output')
  const bad = urls.find((url) => !URL.canParse(url))
  if (bad !== undefined)
    throw wrong(`outputUrls finds ${JSON.stringify(bad)} in its example output, which is not a URL`)
  // A provider that says succeeded, and nothing else, must not break a pass.
  if (recipe.outputUrls(null).length > 0) throw wrong('outputUrls finds a file where the output is null')
  for (let step = 1; step <= steps; step += 1) {
    const fault = await faultOfStep(recipe, input, step)
    if (fault) throw wrong(`step ${step} of its example ${fault}`)
  }
}

async function faultOfStep(recipe: Recipe, input: unknown, step: number): Promise<string | undefined> {
  const previous = step > 1 ? 'file:previous' : undefined
  let request: GenerationRequest
  try {
    request = await recipe.request(input, { step, previous, link: async () => 'https://example.com/linked', seed: 1 })
  } catch (error) {
    return `can't be built: ${(error as Error).message}`
  }
  if (!request.model) return 'names no model'
  const found = findUnsendable(request.input, 'input')
  return found && `can't be sent as JSON: ${found}`
}

function exampleInput(recipe: Recipe): unknown {
  const parsed = recipe.input.safeParse(recipe.example.input)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new Error(`recipe ${recipe.name}: its example is refused: ${issue?.path.join('.')} ${issue?.message}`)
}

/** What JSON would drop, change or refuse, and where: most often a link() that nobody awaited. */
function findUnsendable(value: unknown, path: string, within: readonly unknown[] = []): string | undefined {
  if (value === null || ['string', 'boolean', 'undefined'].includes(typeof value)) return undefined
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${path} is ${value}`
  if (typeof value !== 'object') return `${path} is a ${typeof value}`
  if (value instanceof Promise) return `${path} is a Promise; await it`
  if (within.includes(value)) return `${path} contains itself`
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype)
    return `${path} is a ${value.constructor?.name ?? 'bare object'}`
  for (const [key, inner] of Object.entries(value)) {
    const found = findUnsendable(inner, `${path}.${key}`, [...within, value])
    if (found) return found
  }
  return undefined
}
