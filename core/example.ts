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
const exampleAttempt = { seed: 1_234_567, marker: 'marker=00000000-0000-4000-8000-000000000000' } as const

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
    const { output, kind = 'image' } = example.steps?.[step] ?? example
    return { step, input, output, kind }
  })
}

/** The request of one step, as it is built for `exampleAttempt`. */
export function requestOf(recipe: Recipe, { step, input }: ExampleStep, change: Partial<StepContext> = {}) {
  return recipe.request(input, {
    step,
    previous: step > 1 ? 'file:previous' : undefined,
    link: async (_reference, { isMarked = false } = {}) => linked + (isMarked ? `#${exampleAttempt.marker}` : ''),
    seed: exampleAttempt.seed,
    candidates: 1,
    ...change,
  })
}

const linked = 'https://example.com/linked'

/** Every request that the examples lead to. */
export async function exampleRequests(recipe: Recipe): Promise<ExampleRequest[]> {
  const steps = examplesOf(recipe).flatMap((example) => exampleSteps(recipe, example))
  return Promise.all(steps.map(async (step) => ({ ...step, request: await requestOf(recipe, step) })))
}
