// Says whether recipes can be run, as far as types can't tell. The build and the local servers ask all of it, so that a mistake is a
// sentence before anybody starts a task; functions ask for names and providers alone.
import * as z from 'zod'
import { type ExampleStep, exampleInput, exampleSteps, examplesOf } from './example.ts'
import { faultOfPrice } from './price.ts'
import { type Example, mostCandidates, type Recipe, startFields } from './recipe.ts'
import { faultOfOutput, faultOfStep } from './sound-step.ts'

/** What the table accepts. */
const mostSteps = 1_000

/** Names stand in addresses, file names, lock keys and the database. */
const lawfulName = /^[a-z0-9]+(-[a-z0-9]+)*$/
const longestName = 64

/**
 * Throws with a sentence where a name or a provider is wrong, or given twice. Asked wherever recipes are opened, in every function too:
 * nothing of a recipe is run for it.
 */
export function requireLawful(recipes: readonly Recipe[], providers: readonly string[]): void {
  for (const [place, { name, provider, elsewhere = [] }] of recipes.entries()) {
    const wrong = (what: string) => new Error(`recipe ${name}: ${what}`)
    if (!lawfulName.test(name) || name.length > longestName) {
      throw wrong(`name must be lower-case words joined by hyphens, at most ${longestName} characters, such as try-on`)
    }
    if (recipes.findIndex((other) => other.name === name) < place) {
      throw wrong(
        `name is taken by another recipe; taken are: ${recipes
          .slice(0, place)
          .map((one) => one.name)
          .join(', ')}`,
      )
    }
    const places = [provider, ...elsewhere.map((other) => other.provider)]
    const unknown = places.find((one) => !providers.includes(one))
    if (unknown !== undefined) {
      throw wrong(`provider is ${JSON.stringify(unknown)}, which is not known; known are: ${providers.join(', ')}`)
    }
    if (new Set(places).size < places.length) throw wrong(`elsewhere names a provider twice: ${places.join(', ')}`)
  }
}

/** Undefined, or why this input can't be a task: what `totalSteps` makes of it is not what the table accepts. */
export function faultOfSteps(steps: number): string | undefined {
  if (Number.isInteger(steps) && steps >= 1 && steps <= mostSteps) return undefined
  return `${steps} steps; a task has 1 to ${mostSteps}`
}

/** Throws with a sentence that names the recipe and what is wrong. */
export async function requireSound(recipe: Recipe): Promise<void> {
  const wrong = (what: string) => new Error(`recipe ${recipe.name}: ${what}`)
  const numbers = { maxBytes: recipe.maxBytes, stepSeconds: recipe.stepSeconds, ...recipe.timing }
  for (const [name, value] of Object.entries(numbers)) {
    if (!(value > 0)) throw wrong(`${name} is ${value}; it must be more than 0`)
  }
  if (recipe.accept.length === 0) throw wrong('accept is empty; name the types of its output')
  const names = namesIn(z.toJSONSchema(recipe.input, { io: 'input', unrepresentable: 'any' }))
  const taken = startFields.find((name) => names.includes(name))
  if (taken) throw wrong(`its input has a field ${taken}, which every start request has for itself; call it otherwise`)
  for (const example of examplesOf(recipe)) {
    const unsound = await faultOfExample(recipe, example)
    if (unsound) throw wrong(unsound)
  }
  for (const other of recipe.elsewhere ?? []) await requireSound(other)
}

/** The fields of an input, in whichever of its forms. */
function namesIn({ properties = {}, anyOf = [], oneOf = [], allOf = [] }: z.core.JSONSchema.BaseSchema): string[] {
  const forms = [...anyOf, ...oneOf, ...allOf].filter((form) => typeof form === 'object')
  return [...Object.keys(properties), ...forms.flatMap(namesIn)]
}

async function faultOfExample(recipe: Recipe, example: Example): Promise<string | undefined> {
  const fault = faultOfSteps(recipe.totalSteps(exampleInput(recipe, example)))
  if (fault) return `its example has ${fault}`
  const steps = exampleSteps(recipe, example)
  for (const step of steps) {
    const unsound = faultOfOutput(recipe, step)
    if (unsound) return unsound
  }
  // A provider that says succeeded, and nothing else, must not break a pass.
  if (recipe.outputUrls(null).length > 0) return 'outputUrls finds a file where the output is null'
  const unpriced = faultOfPrices(recipe, steps)
  if (unpriced) return unpriced
  for (const step of steps) {
    const unsound = await faultOfStep(recipe, step)
    if (unsound) return `step ${step.step} of its example ${unsound}`
  }
  const [first] = steps
  return first && example === recipe.example ? faultOfGate(recipe, example, first) : undefined
}

/** What a person may do at the gate is said in full, and can be asked for. */
async function faultOfGate(recipe: Recipe, { change }: Example, first: ExampleStep): Promise<string | undefined> {
  const { candidates, changes, applyChange, from } = recipe
  const most = candidates?.max ?? 1
  if (candidates && !(Number.isInteger(most) && most >= 2 && most <= mostCandidates)) {
    return `candidates.max is ${most}; it must be 2 to ${mostCandidates}, or candidates left out`
  }
  if (Boolean(changes) !== Boolean(applyChange)) return 'changes and applyChange belong together; give both, or neither'
  if (from && !(typeof first.input === 'object' && first.input && from.field in first.input)) {
    return `from.field is ${JSON.stringify(from.field)}, which is no field of its example`
  }
  if (changes && change === undefined) return 'example.change is missing; give one as a caller writes it'
  const parsed = changes?.safeParse(change)
  if (parsed?.error) return `its example's change is refused: ${parsed.error.issues.map(inWords).join('; ')}`
  const input = parsed ? applyChange?.(first.input, first.step, parsed.data) : first.input
  const unsound = await faultOfStep(recipe, { ...first, input }, most)
  return unsound && `step 1 of its example with a change and ${most} candidates ${unsound}`
}

const inWords = ({ path, message }: { path: PropertyKey[]; message: string }) => `${path.join('.')} ${message}`

const howToPrice = "give { of, source, date }, or 'unknown': then its tasks count against the limits of number alone"

function faultOfPrices({ price, budgetPerDay }: Recipe, steps: readonly ExampleStep[]): string | undefined {
  if (budgetPerDay !== undefined && !(budgetPerDay > 0 && Number.isFinite(budgetPerDay))) {
    return `budgetPerDay is ${budgetPerDay}; it must be dollars, more than 0`
  }
  // Recipes are also written without types.
  const given = price as Partial<Exclude<typeof price, 'unknown'>> | 'unknown' | undefined
  if (given === 'unknown') return undefined
  if (typeof given?.of !== 'function') return `price is missing; ${howToPrice}`
  if (!given.source?.startsWith('https://')) {
    return `price.source is ${JSON.stringify(given.source)}; it must be the https address that tells the price`
  }
  if (!isDay(given.date)) return `price.date is ${JSON.stringify(given.date)}; it must be a day such as 2026-11-18`
  for (const { input, step } of steps) {
    const fault = faultOfPrice(given.of(input, step))
    if (fault) return `price.of step ${step} of its example ${fault}`
  }
  return undefined
}

const isDay = (date: string | undefined): boolean =>
  date !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(date) && Date.parse(date) > 0
