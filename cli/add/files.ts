// Writes what `npm run add` makes: the recipe's file, its line in recipes/index.ts, and the model's schema for the simulator. add.ts calls it.
// Nothing that exists is overwritten, and a recipe that turns out to be unsound is taken away again.

import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import type { Recipe } from '../../core/recipe.ts'
import { requireSound } from '../../core/soundness.ts'
import type { Model } from './model.ts'
import { identifier } from './recipe-text.ts'

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

/** `root` is the project. */
const recipePath = (root: string, name: string) => join(root, 'recipes', `${name}.ts`)

export async function requireNew(root: string, name: string): Promise<void> {
  const path = recipePath(root, name)
  if (await isThere(path)) throw new Error(`${path} exists. Give the recipe another name with --name.`)
  const index = await readFile(join(root, 'recipes', 'index.ts'), 'utf8')
  if (new RegExp(`\\b${identifier(name)}\\b`).test(index))
    throw new Error(`recipes/index.ts has a ${identifier(name)} already. Give the recipe another name with --name.`)
}

/** Writes the recipe and tries it on its example, as the build will. Throws with the sentence of what is wrong. */
export async function writeRecipe(root: string, name: string, text: string): Promise<void> {
  const path = recipePath(root, name)
  await writeFile(path, text, { flag: 'wx' })
  try {
    const made = (await import(pathToFileURL(path).href)) as Record<string, (policy: object) => Recipe>
    const recipe = made[identifier(name)]?.({ hosts: [], allowPrivate: false })
    if (recipe === undefined) throw new Error(`${path} has no ${identifier(name)}`)
    await requireSound(recipe)
  } catch (error) {
    await rm(path)
    throw error
  }
}

/** The import, and the entry in the list of all recipes. */
export async function writeIndexLine(root: string, name: string): Promise<void> {
  const path = join(root, 'recipes', 'index.ts')
  const before = await readFile(path, 'utf8')
  const own = identifier(name)
  const imported = `import { ${own} } from './${name}.ts'\n`
  const firstOwn = before.search(/^import .* from '\.\/(?!fields)/m)
  const withImport = `${before.slice(0, firstOwn)}${imported}${before.slice(firstOwn)}`
  const after = withImport.replace(
    /(const known = \[[^\]]*?),?(\s*)\]/,
    (_, list: string, space: string) => `${list}, ${own}${space}]`,
  )
  if (firstOwn < 0 || after === withImport) {
    throw new Error(`recipes/index.ts is not as it was: add ${own} to its list yourself, with ${imported.trim()}`)
  }
  await writeFile(path, after)
}

/** Keeps the schema's structure, so that the simulator accepts what the model accepts. `other`: it has one that says something else. */
export async function keepSchema(
  root: string,
  model: Model,
): Promise<{ path: string; was: 'new' | 'known' | 'other' }> {
  const folder = join(root, 'simulator', 'schemas', model.provider)
  const path = join(folder, `${model.name.replaceAll('/', '--')}.json`)
  const { name, version, official, example, input, output, schemas } = model
  const own = model.provider === 'fal' ? { name, input, output } : { name, version, official, example }
  const kept = { ...own, schemas: structureOf(schemas, [input, output]) }
  if (await isThere(path)) {
    const there: unknown = JSON.parse(await readFile(path, 'utf8'))
    return { path, was: isDeepStrictEqual(there, JSON.parse(JSON.stringify(kept))) ? 'known' : 'other' }
  }
  await mkdir(folder, { recursive: true })
  await writeFile(path, `${JSON.stringify(kept, null, 2)}\n`)
  return { path, was: 'new' }
}

const structure = [
  ...['type', 'format', 'enum', 'default', 'minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems'],
  ...['items', 'properties', 'required', 'allOf', 'anyOf', 'oneOf', '$ref', 'nullable', 'additionalProperties'],
  ...['x-order', 'x-fal-order-properties', 'x-cog-secret', 'x-cog-array-type', 'x-cog-array-display'],
]

/** The schemas that these lead to, without titles, descriptions and examples. */
function structureOf(schemas: Model['schemas'], names: readonly string[]): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  const left = [...names]
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    if (name in kept || schemas[name] === undefined) continue
    kept[name] = bare(schemas[name])
    const references = JSON.stringify(kept[name]).matchAll(/"\$ref":"[^"]*\/([^"/]+)"/g)
    for (const [, reference = ''] of references) left.push(reference)
  }
  return kept
}

function bare(value: unknown, isNames = false): unknown {
  if (Array.isArray(value)) return value.map((one) => bare(one))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(
    ([name, inner]) => isNames || (structure.includes(name) && !isProse(name, inner)),
  )
  return Object.fromEntries(entries.map(([name, inner]) => [name, bare(inner, name === 'properties' && !isNames)]))
}

const isProse = (name: string, value: unknown) => name === 'default' && typeof value === 'string' && value.length > 40
