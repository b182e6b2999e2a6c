// Writes a recipe as code, from what was read of a model's schema and what was asked for on the command line. add.ts calls it.

import { filesOf } from '../../recipes/profiles.ts'
import { asCode, digits, type Field, type Input } from './fields.ts'
import { type Model, SchemaError } from './model.ts'
import type { Output } from './output.ts'

interface Chosen {
  readonly name: string
  readonly gate: 'manual' | 'auto'
  readonly candidates: number
  /** Dollars a run; undefined: nobody knows. */
  readonly price: number | undefined
  /** Today, as the day on which the price was told. */
  readonly day: string
}

interface Parts {
  readonly model: Model
  readonly input: Input
  readonly output: Output
}

export type Marker = 'seed' | 'link' | 'none'

/** How an attempt is found again: its seed, or the link of a file that is always there. */
export function markerOf({ hasSeed, fields }: Input): Marker {
  if (hasSeed) return 'seed'
  return fields.some(({ file, isRequired }) => file && isRequired) ? 'link' : 'none'
}

const pages = { replicate: 'https://replicate.com/', fal: 'https://fal.ai/models/' }

export function recipeText({ model, input, output }: Parts, chosen: Chosen): string {
  const { provider, name, version } = model
  const own = identifier(chosen.name)
  const { fields, choices } = hoisted(input.fields, own)
  const withZod = fields.some(({ code }) => hasCall(code, 'z\\.\\w+'))
  const lines = [
    `// ${name} on ${provider === 'fal' ? 'fal' : 'Replicate'}. Written by \`npm run add\` from the schema that the model publishes; change it as you like.`,
    ...(withZod ? ["import * as z from 'zod'"] : []),
    "import { defineRecipe } from './define.ts'",
    '',
    ...choices,
    `export const ${own} = defineRecipe({`,
    `  name: ${asCode(chosen.name)},`,
    `  fields: ${helpers(fields)} => ({`,
    ...fields.map(({ name: field, code }) => `    ${keyOf(field)}: ${code},`),
    '  }),',
    `  output: ${asCode(output.kind)},`,
    `  provider: ${asCode(provider)},`,
    `  model: ${asCode(version === null ? name : `${name}:${version}`)},`,
    ...markerLines(markerOf(input)),
    ...requestLines(input, chosen),
    ...priceLines(model, chosen),
    ...outputLines(output, model),
    ...fileLines(fields),
    ...(chosen.gate === 'manual' ? changeLines(fields) : []),
    ...(chosen.candidates > 1 ? [`  candidates: { max: ${chosen.candidates} },`] : []),
    `  gate: ${asCode(chosen.gate)},`,
    `  example: ${valueText(exampleInput(fields))},`,
    '})',
    '',
  ]
  return lines.join('\n')
}

const mostInLine = 16

/** Long lists of choices stand before the recipe, each under a name that nothing else has there. */
function hoisted(given: readonly Field[], recipe: string): { fields: Field[]; choices: string[] } {
  const choices: string[] = []
  const taken = [recipe]
  const fields = given.map((field) => {
    const [, list, rest = ''] = /^z\.(?:enum|literal)\((\[.*\])\)(.*)$/s.exec(field.code) ?? []
    if (list === undefined || list.split(', ').length <= mostInLine) return field
    const wanted = identifier(`${field.name}-values`.toLowerCase())
    const own = taken.includes(wanted) ? `${wanted}${taken.length}` : wanted
    taken.push(own)
    choices.push(`const ${own} = ${list} as const`, '')
    return { ...field, code: field.code.replace(`${list})${rest}`, () => `${own})${rest}`) }
  })
  return { fields, choices }
}

/** What a caller has to write, and no more. */
export function exampleInput(fields: readonly Field[], isWhole = false): Record<string, unknown> {
  const shown = fields.filter(({ isRequired }) => isRequired || isWhole)
  // Most models take nothing at all, and then draw anything.
  const [first] = fields
  const asked =
    shown.length > 0 || first === undefined ? shown : [fields.find(({ name }) => name === 'prompt') ?? first]
  return Object.fromEntries(asked.map(({ name, example }) => [name, example]))
}

function helpers(fields: readonly Field[]): string {
  const used = ['archive', 'image', 'images', 'text'].filter((name) => fields.some(({ code }) => hasCall(code, name)))
  return used.length > 0 ? `({ ${used.join(', ')} })` : '()'
}

/** Not within a text: a model's choices may look like code. */
const hasCall = (code: string, name: string) =>
  new RegExp(`(^|[^.\\w])${name}\\(`).test(code.replace(/'[^']*'|"(?:[^"\\]|\\.)*"/g, ''))

function markerLines(marker: Marker): string[] {
  const why = {
    seed: [],
    link: ['  // The model takes no seed: the links of its files tell which attempt asked.'],
    none: [
      '  // The model takes neither a seed nor always a file: should the answer to a create be lost, a person decides.',
    ],
  }
  return [...why[marker], `  marker: ${asCode(marker)},`]
}

function requestLines(input: Input, chosen: Chosen): string[] {
  const { fields, count, smallSeed } = input
  if (chosen.candidates > 1 && !count) {
    throw new SchemaError('--candidates', 'the model has no field for the number of pictures')
  }
  if (count && chosen.candidates > count.most) {
    throw new SchemaError('--candidates', `the model makes at most ${count.most} at once (${count.field})`)
  }
  const links = fields.filter(({ file }) => file)
  const renamed = fields.filter(({ name, field, file }) => name !== field && !file)
  const parts = [
    ...Object.entries(input.constants).map(([field, code]) => `${keyOf(field)}: ${code}`),
    ...links.map(linkText),
    ...renamed.map(({ name, field }) => `${keyOf(field)}: ${member('input', name)}`),
    ...(smallSeed === undefined ? [] : [`seed: seed % ${digits(smallSeed + 1)}`]),
    // Also where it is one: some models make several by themselves, each of which is paid.
    ...(count ? [`${count.field}: candidates`] : []),
  ]
  const dropped = [...links.filter(({ name, field }) => name !== field), ...renamed].map(({ name }) => name)
  const rest =
    dropped.length > 0
      ? `...(({ ${dropped.map((name) => `${name}: _${name}`).join(', ')}, ...rest }) => rest)(input)`
      : '...input'
  const used = [
    ...(links.length > 0 ? ['link'] : []),
    ...(smallSeed === undefined ? [] : ['seed']),
    ...(count ? ['candidates'] : []),
  ]
  const context = used.length > 0 ? `, { ${used.join(', ')} }` : ''
  if (parts.length === 0) return ['  request: (input) => input,']
  return [`  request: async (input${context}) => ({`, `    ${rest},`, ...parts.map((part) => `    ${part},`), '  }),']
}

function linkText({ name, field, file, isRequired }: Field): string {
  const value = member('input', name)
  const linked =
    file === 'images' ? `await Promise.all(${value}.map((picture) => link(picture)))` : `await link(${value})`
  return isRequired ? `${keyOf(field)}: ${linked}` : `...(${value} && { ${keyOf(field)}: ${linked} })`
}

function priceLines({ provider, name }: Model, { price, day }: Chosen): string[] {
  if (price === undefined) return ["  price: 'unknown',"]
  const micros = digits(Math.round(price * 1_000_000))
  return [`  price: { of: ${micros}, source: ${asCode(`${pages[provider]}${name}`)}, date: ${asCode(day)} },`]
}

function outputLines({ kind, members, example, isTraining }: Output, { provider }: Model): string[] {
  const usual = filesOf[kind].members
  const isUsual = provider === 'fal' ? members.length === 1 && members[0] === usual[0] : members.length === 0
  const isList = Array.isArray(example)
  return [
    ...(members.some((name) => !usual.includes(name)) ? [`  members: ${valueText([...members])},`] : []),
    ...(isUsual && !isList ? [] : [`  returns: { ${kind}: ${valueText(example)} },`]),
    ...(isTraining ? ['  runOnce: true,'] : []),
    ...(kind === 'file' && !isTraining ? ["  profile: 'video',"] : []),
    ...(members.some((name) => /mesh|glb/i.test(name)) ? ["  accept: ['model/gltf-binary'],"] : []),
  ]
}

const besides = /garm|cloth|mask|style|reference|pose|control|last|end_/i

/** Zip files are taken only where a recipe says so; and a first picture may be a stored result. */
function fileLines(fields: readonly Field[]): string[] {
  // What is put on it or beside it isn't what a result goes on with.
  const first = fields.find(({ name, file, isRequired }) => file === 'image' && isRequired && !besides.test(name))
  const types = [
    ...(fields.some(({ file }) => file === 'archive') ? ['application/zip'] : []),
    ...(fields.some(({ file }) => file === 'image' || file === 'images')
      ? ['image/png', 'image/jpeg', 'image/webp']
      : []),
  ]
  return [
    ...(types[0] === 'application/zip' ? [`  inputTypes: ${valueText(types)},`] : []),
    ...(first ? [`  from: { field: ${asCode(first.name)} },`] : []),
  ]
}

/** A person who looks at a result may ask for it again in other words. */
function changeLines(fields: readonly Field[]): string[] {
  const prompt = fields.find(({ name, code }) => name === 'prompt' && code.startsWith('text('))
  if (!prompt) return []
  return [
    `  changes: ({ text }) => ({ prompt: ${prompt.code.replace('.optional()', '')} }),`,
    '  applyChange: (input, _step, { prompt }) => ({ ...input, prompt }),',
    `  exampleChange: { prompt: ${asCode(prompt.example)} },`,
  ]
}

const keyOf = (name: string) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : asCode(name))
const member = (of: string, name: string) => (keyOf(name) === name ? `${of}.${name}` : `${of}[${asCode(name)}]`)

function valueText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`
  if (typeof value !== 'object' || value === null) return typeof value === 'number' ? digits(value) : asCode(value)
  const entries = Object.entries(value).map(([name, inner]) => `${keyOf(name)}: ${valueText(inner)}`)
  return entries.length > 0 ? `{ ${entries.join(', ')} }` : '{}'
}

/** `nano-banana-2` becomes `nanoBanana2`; of any text something that code can be called. */
export function identifier(name: string): string {
  const joined = name.replace(/[^A-Za-z0-9]+(.?)/gu, (_, letter: string) => letter.toUpperCase())
  return /^[a-z]/.test(joined) && !reserved.has(joined)
    ? joined
    : `model${joined.charAt(0).toUpperCase()}${joined.slice(1)}`
}

/** The language's own words, and what a recipe's file imports. */
const reserved = new Set(
  `arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for
  function if implements import in instanceof interface let new null package private protected public return static super switch this
  throw true try typeof undefined var void while with yield z`.split(/\s+/),
).add('defineRecipe')
