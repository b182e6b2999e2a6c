// Says what is wrong with one step of a recipe's example: what it asks for, and what it makes of the answer. soundness.ts asks.
import { carriesMarker, type ExampleStep, exampleLink, previousResult, requestOf } from './example.ts'
import type { GenerationRequest } from './provider.ts'
import { isPassedOn, type OutputKind, type Recipe, type StepContext } from './recipe.ts'
import { readOutputAddress } from './web-address.ts'

/** Undefined, or what is wrong with the files that the recipe finds in the example's output. */
export function faultOfOutput(recipe: Recipe, { step, output, kind }: ExampleStep): string | undefined {
  const urls = recipe.outputUrls(output)
  if (urls.length === 0) return 'outputUrls finds no file in its example output'
  const bad = urls.find((url) => readOutputAddress(url) === undefined)
  if (bad !== undefined) return `outputUrls finds ${JSON.stringify(bad)} in its example output, which is not a URL`
  if (kind === 'file' || recipe.accept.some((type) => type.startsWith(`${kind}/`))) return undefined
  return `step ${step} of its example makes ${named[kind]}, and accept has ${recipe.accept.join(', ')}; say with makes what it makes`
}

const named: Readonly<Record<OutputKind, string>> = {
  image: 'an image',
  video: 'a video',
  audio: 'a sound',
  file: 'a file',
}

/** Undefined, or what is wrong with the request. */
export async function faultOfStep(recipe: Recipe, step: ExampleStep, candidates = 1): Promise<string | undefined> {
  let request: GenerationRequest
  let takesPrevious = false
  const link: StepContext['link'] = (reference, options) => {
    takesPrevious ||= reference === previousResult
    return exampleLink(reference, options)
  }
  try {
    request = await requestOf(recipe, step, { candidates, link })
  } catch (error) {
    return `can't be built: ${(error as Error).message}`
  }
  if (!request.model) return 'names no model'
  const found = findUnsendable(request.input, 'input')
  if (found) return `can't be sent as JSON: ${found}`
  if (takesPrevious && !isPassedOn(recipe, step.step - 1))
    return 'is given the result of the step before; say passesOn: true'
  return faultOfMarker(recipe, request)
}

function faultOfMarker({ marker }: Recipe, { input }: GenerationRequest): string | undefined {
  const isMarked = carriesMarker(input)
  if (isMarked && marker === 'none') return "carries a marker, and the recipe says marker: 'none'; leave that out"
  if (isMarked || marker === 'none') return undefined
  return "carries no marker, so that it can't be found if its answer is lost; give the model context.seed as its seed, or make a link with { isMarked: true }, or say marker: 'none': then a lost answer waits for a person"
}

/** What JSON would drop, change or refuse, and where: most often a link() that nobody awaited. */
function findUnsendable(value: unknown, path: string, above: readonly unknown[] = []): string | undefined {
  if (value === null || ['string', 'boolean', 'undefined'].includes(typeof value)) return undefined
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${path} is ${value}`
  if (typeof value !== 'object') return `${path} is a ${typeof value}`
  if (value instanceof Promise) return `${path} is a Promise; await it`
  if (above.includes(value)) return `${path} contains itself`
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype)
    return `${path} is a ${value.constructor?.name ?? 'bare object'}`
  for (const [key, inner] of Object.entries(value)) {
    const found = findUnsendable(inner, `${path}.${key}`, [...above, value])
    if (found) return found
  }
  return undefined
}
