// `npm run add -- replicate:OWNER/MODEL|fal:ENDPOINT`: writes a recipe from the schema that a model publishes.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { addModel } from './add/add.ts'
import { type AddCommand, parseAdd, parsePrice, usage } from './add/arguments.ts'
import { SchemaError } from './add/model.ts'
import { UsageError } from './arguments.ts'
import { readVariables } from './variables.ts'

const root = join(import.meta.dirname, '..')

/** The exit code: 0 done, 1 not possible, 2 not understood. */
async function run(words: string[]): Promise<number> {
  try {
    const command = parseAdd(words)
    if (command === undefined) {
      console.log(usage)
      return 0
    }
    const env = await readVariables(command.env)
    const price = command.price ?? (command.onlySchema ? undefined : await askPrice(command))
    const lines = await addModel({ ...command, price }, { root, env, now: new Date() })
    tidy(command)
    console.log(lines.join('\n'))
    return 0
  } catch (error) {
    console.error(sentenceOf(error))
    return error instanceof UsageError ? 2 : 1
  }
}

/** Only the person at the terminal can say it. */
async function askPrice({ model }: AddCommand): Promise<AddCommand['price']> {
  if (!process.stdin.isTTY) return 'unknown'
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await terminal.question(`What does a run of ${model} cost, in dollars? (Enter: unknown) `)
  terminal.close()
  return parsePrice(answer.trim() || 'unknown')
}

/** As everything else here is formatted, where the tool for it is installed. */
function tidy({ name, provider, model }: AddCommand): void {
  const biome = join(root, 'node_modules', '.bin', 'biome')
  const files = [
    ...[`recipes/${name}.ts`, 'recipes/index.ts'],
    `simulator/schemas/${provider}/${model.replaceAll('/', '--')}.json`,
  ].filter((file) => existsSync(join(root, file)))
  if (existsSync(biome)) spawnSync(biome, ['check', '--write', ...files], { cwd: root, stdio: 'ignore' })
}

function sentenceOf(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n\n${usage}`
  if (error instanceof SchemaError) return `This model can't become a recipe. ${error.message}.`
  return error instanceof Error ? error.message : String(error)
}

process.exitCode = await run(process.argv.slice(2))
