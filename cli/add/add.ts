// Adds a model to the project: reads its schema, writes the recipe and keeps the schema. cli/add.ts calls it with what was typed.

import type { AddCommand } from './arguments.ts'
import { fetchModel } from './fetch.ts'
import { type Input, readInput } from './fields.ts'
import { keepSchema, requireNew, writeIndexLine, writeRecipe } from './files.ts'
import { readOutput } from './output.ts'
import { type Marker, markerOf, recipeText } from './recipe-text.ts'

interface Surroundings {
  /** The project's folder. */
  readonly root: string
  readonly env: NodeJS.Dict<string>
  readonly now: Date
}

/** Gives what was done, in lines for the person at the terminal. */
export async function addModel(command: AddCommand, { root, env, now }: Surroundings): Promise<string[]> {
  const { provider, model: name, file } = command
  if (!command.onlySchema) await requireNew(root, command.name)
  const model = await fetchModel({ provider, name, file }, env)
  if (command.onlySchema) {
    const { path, was } = await keepSchema(root, model)
    if (was === 'other') return [otherSchema(path)]
    return [
      was === 'new' ? `The schema of ${name} is in simulator/schemas/${provider}/.` : `Its schema is there already.`,
    ]
  }
  const input = readInput(model, command.required)
  const output = readOutput(model, command.output)
  const price = command.price === 'unknown' ? undefined : command.price
  const { gate, candidates } = command
  const chosen = { name: command.name, gate, candidates, price, day: now.toISOString().slice(0, 10) }
  await writeRecipe(root, command.name, recipeText({ model, input, output }, chosen))
  await writeIndexLine(root, command.name)
  const schema = await keepSchema(root, model)
  return [
    `recipes/${command.name}.ts is written, and its line in recipes/index.ts: ${name} makes ${kinds[output.kind]}.`,
    ...foundBy(input),
    ...(input.omitted.length > 0 ? ['Left out of the form:', ...input.omitted.map((line) => `  ${line}`)] : []),
    ...(price === undefined
      ? ['Its price is unknown: its tasks count against the limits of number alone. --price says it.']
      : []),
    ...(schema.was === 'other' ? [otherSchema(schema.path)] : []),
    "npm start offers it, simulated. Read the file once: the names of its fields are the model's.",
  ]
}

/** Nothing that exists is overwritten: somebody may have written it by hand. */
const otherSchema = (path: string) =>
  `The model's schema is another than the one in ${path}, which the simulator goes by: delete that file and say it again with --only-schema to have the new one.`

const kinds = { image: 'pictures', video: 'clips', audio: 'sound', file: 'files' }

/** How a run whose answer is lost is found, and what would let it be. */
function foundBy(input: Input): string[] {
  const marker = markerOf(input)
  const picture = input.fields.find(({ file }) => file)
  if (marker !== 'none' || !picture) return [found[marker]]
  return [found.none, `It would be found by its picture if there always were one: --require ${picture.field}.`]
}

const found: Record<Marker, string> = {
  seed: 'It takes a seed: a run whose answer is lost is found by it.',
  link: 'It takes no seed: a run whose answer is lost is found by the link of its file.',
  none: 'It takes no seed, and no file in every run: a run whose answer is lost waits for its webhook, or for a person.',
}
