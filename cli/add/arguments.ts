// Reads what was typed after `npm run add --`, or throws a sentence about what it can't read.

import { mostCandidates, type OutputKind, outputKinds } from '../../core/recipe.ts'
import { flag, readWords, text, UsageError } from '../arguments.ts'
import type { ProviderName } from './model.ts'

export const usage = `npm run add -- replicate:OWNER/MODEL
npm run add -- fal:ENDPOINT

Reads the model's own schema and writes a recipe for it: recipes/NAME.ts, and its line in recipes/index.ts.

  --name N         the recipe's name (made of the model's by itself)
  --gate G         manual: a person looks at each result (as it is by itself); auto: nobody does
  --candidates N   up to so many pictures in one run, of which a person chooses one: 1 to ${mostCandidates}
  --price P        what a run costs, in dollars, such as 0.04 (of several pictures, what one costs); or unknown: then limits of number
                   alone protect you
  --require F,F    fields that a caller has to give though the model doesn't ask for them. With a picture among them a run whose
                   answer is lost is found by its link, where the model takes no seed
  --output K       what comes back, where that can't be told: ${outputKinds.join(', ')}
  --schema FILE    what the provider answers, saved: for a machine that can't ask it
  --only-schema    only keep the schema for the simulator and the tests, for a recipe of your own
  --env FILE       where to read the variables that the process doesn't have (.env, if there is one)`

export interface AddCommand {
  readonly provider: ProviderName
  readonly model: string
  readonly name: string
  readonly gate: 'manual' | 'auto'
  readonly candidates: number
  /** Undefined where nothing was said. */
  readonly price: number | 'unknown' | undefined
  readonly required: readonly string[]
  readonly output: OutputKind | undefined
  readonly file: string | undefined
  readonly onlySchema: boolean
  readonly env: string | undefined
}

/** Undefined: help was asked for. */
export function parseAdd(words: string[]): AddCommand | undefined {
  const { values, positionals } = parseWords(words)
  if (values.help) return undefined
  const [reference, ...more] = positionals
  if (reference === undefined) throw new UsageError('Say which model: replicate:OWNER/MODEL, or fal:ENDPOINT.')
  if (more.length > 0) throw new UsageError(`One model at a time: what is "${more[0]}"?`)
  const { provider, model } = parseReference(reference)
  const { gate = 'manual', output, candidates = '1' } = values
  if (gate !== 'manual' && gate !== 'auto') throw new UsageError('--gate must be manual or auto.')
  if (output !== undefined && !isOutput(output))
    throw new UsageError(`--output must be one of ${outputKinds.join(', ')}.`)
  if (!/^[1-9]$/.test(candidates) || Number(candidates) > mostCandidates)
    throw new UsageError(`--candidates must be 1 to ${mostCandidates}.`)
  return {
    ...{ provider, model, gate, output },
    name: parseName(values.name ?? nameOf(provider, model)),
    candidates: Number(candidates),
    required: values.require?.split(',').filter(Boolean) ?? [],
    price: parsePrice(values.price),
    file: values.schema,
    onlySchema: values['only-schema'] ?? false,
    env: values.env,
  }
}

const parseWords = (words: string[]) =>
  readWords({
    args: words,
    allowPositionals: true,
    options: {
      help: { ...flag, short: 'h' },
      name: text,
      gate: text,
      candidates: text,
      price: text,
      output: text,
      require: text,
      schema: text,
      env: text,
      'only-schema': flag,
    },
  })

function parseReference(reference: string): { provider: ProviderName; model: string } {
  const [, provider, model = ''] = /^(replicate|fal):(.+)$/.exec(reference) ?? []
  if (provider !== 'replicate' && provider !== 'fal')
    throw new UsageError(`"${reference}" names no provider: write replicate:OWNER/MODEL, or fal:ENDPOINT.`)
  const isWhole = provider === 'replicate' ? /^[\w.-]+\/[\w.-]+$/ : /^[\w.-]+(\/[\w.-]+)+$/
  if (!isWhole.test(model) || model.split('/').some((part) => /^\.+$/.test(part))) {
    const form = provider === 'replicate' ? 'replicate:google/nano-banana-2' : 'fal:fal-ai/nano-banana-2/edit'
    throw new UsageError(`"${model}" is no model's name; write it such as ${form}.`)
  }
  return { provider, model }
}

const isOutput = (text: string): text is OutputKind => outputKinds.some((kind) => kind === text)

/** fal's own endpoints all begin with fal-ai. */
function nameOf(provider: ProviderName, model: string): string {
  const [owner, ...rest] = model.split('/')
  const parts = provider === 'fal' && owner !== 'fal-ai' ? [owner, ...rest] : rest
  return parts
    .join('-')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 64)
    .replaceAll(/^-|-$/g, '')
}

function parseName(name: string): string {
  if (/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) && name.length <= 64) return name
  throw new UsageError('--name must be lower-case words joined by hyphens, at most 64 characters, such as try-on.')
}

export function parsePrice(text: string | undefined): number | 'unknown' | undefined {
  if (text === undefined || text === 'unknown') return text
  const dollars = Number(text.replace(/^\$/, ''))
  if (Number.isFinite(dollars) && dollars >= 0.000001 && dollars <= 1_000) return dollars
  throw new UsageError('--price must be dollars, such as 0.04, or unknown.')
}
