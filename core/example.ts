// What a recipe asks for in its examples, step by step, and what comes back for it. The check of recipes, the simulator and the tests
// against the models' published schemas take it from here.
import type { GenerationRequest } from './provider.ts'
import type { Example, OutputKind, Recipe, StepContext } from './recipe.ts'

/** One step of an example. */
export interface ExampleStep {
  step: number
  /** As the recipe's schema made it of what a caller writes. */
  input: unknown
  /** As the provider returns it, and what its main file is. */
  output: unknown
  kind: OutputKind
}

export interface ExampleRequest extends ExampleStep {
  request: GenerationRequest
}

/** The attempt that examples are built for: its token is what a marked link carries. */
const attempt = { seed: 1_234_567, marker: 'marker=00000000-0000-4000-8000-000000000000' } as const

/** All of them, the main one first. */
export const examplesOf = ({ example, moreExamples = [] }: Recipe): readonly Example[] => [example, ...moreExamples]

/** An example's input as the recipe's schema makes it. Throws with a sentence where it is refused. */
export function exampleInput(recipe: Recipe, example: Example = recipe.example): unknown {
  const parsed = recipe.input.safeParse(example.input)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Error(`recipe ${recipe.name}: its example is refused: ${issue?.path.join('.')} ${issue?.message}`)
}

/** The steps of one example. */
export function exampleSteps(recipe: Recipe, example: Example = recipe.example): ExampleStep[] {
  const input = exampleInput(recipe, example)
  return Array.from({ length: recipe.totalSteps(input) }, (_, index) => {
    const step = index + 1
    const kind = recipe.makes?.(input, step) ?? 'image'
    return { step, input, output: example.outputs?.[kind] ?? example.output, kind }
  })
}

/** The request of one step, as it is built for the attempt of the examples. */
export function requestOf(recipe: Recipe, { step, input }: ExampleStep, change: Partial<StepContext> = {}) {
  return recipe.request(input, {
    step,
    previous: step > 1 ? previousResult : undefined,
    link: exampleLink,
    seed: attempt.seed,
    candidates: 1,
    ...change,
  })
}

export const previousResult = 'file:previous'

/** As of an address on the web, which carries the marker only where that is asked for. */
export const exampleLink: StepContext['link'] = async (_reference, { isMarked = false } = {}) =>
  `https://example.com/linked${isMarked ? `#${attempt.marker}` : ''}`

/** Whether the attempt of the examples could be found by this input in its provider's list. */
export const carriesMarker = (input: Record<string, unknown>): boolean =>
  input['seed'] === attempt.seed || JSON.stringify(input).includes(attempt.marker)

/** Every request that the examples lead to. */
export async function exampleRequests(recipe: Recipe): Promise<ExampleRequest[]> {
  const steps = examplesOf(recipe).flatMap((example) => exampleSteps(recipe, example))
  return Promise.all(steps.map(async (step) => ({ ...step, request: await requestOf(recipe, step) })))
}
