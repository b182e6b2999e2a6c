// A project as far as `npm run add` needs one: recipes and their index, and no schema. Each of its test files works in one of its own.

import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeEach } from 'vitest'
import { addModel } from '../../cli/add/add.ts'
import { parseAdd } from '../../cli/add/arguments.ts'
import { identifier } from '../../cli/add/recipe-text.ts'
import type { Recipe } from '../../core/recipe.ts'
import { falDocument } from '../../simulator/models/openapi.ts'
import type { ModelSchema } from '../../simulator/models/schemas.ts'

export const project = fileURLToPath(new URL('../..', import.meta.url))
const now = new Date('2026-11-30T12:00:00Z')

const file = { $ref: '#/components/schemas/File' }
const outputs = { Out: { properties: { images: { type: 'array', items: file } } }, File: { properties: { url: {} } } }

export const many = (start: string) => Array.from({ length: 20 }, (_, n) => `${start} ${n}`)
/** What a careless schema may say, and still be a recipe. */
export const careless = {
  prompt: { type: ['string', 'null'], maxLength: 5, minLength: 1e9 },
  ...{ class: { type: 'string' }, new: { type: 'boolean' }, from: { type: 'string' } },
  style: { type: 'string', enum: ["it's", 'a "b"', 'back\\slash', 'new\r\nline', 'image(z.any())', ''] },
  'voice-id': { type: 'string', enum: many('hyphen') },
  voice_id: { type: 'string', enum: many('under') },
  'line of sight': { type: 'number', minimum: -1000, maximum: 1e21 },
  ...{
    constructor: { type: 'integer' },
    points: { type: 'array', items: { type: 'array', items: {} } },
    mode: { enum: [{ a: 1 }] },
    anything: true,
  },
}

/** Empty of recipes of its own before each test, and gone after the last. */
export function openProject() {
  const root = join(project, '.data', `add-${randomUUID()}`)
  const env: Record<string, string> = {}
  const remove = () => rm(root, { recursive: true, force: true })

  beforeEach(async () => {
    await remove()
    await mkdir(join(root, 'recipes'), { recursive: true })
    for (const name of ['core', 'providers', 'node_modules']) await symlink(join(project, name), join(root, name))
    const files = (await readdir(join(project, 'recipes'))).filter((name) => name !== 'index.ts')
    for (const name of files) await symlink(join(project, 'recipes', name), join(root, 'recipes', name))
    await writeFile(join(root, 'recipes/index.ts'), await readFile(join(project, 'recipes/index.ts')))
  })
  afterAll(remove)

  const add = (...words: string[]) => {
    const command = parseAdd(words)
    if (!command) throw new Error('help was asked for')
    return addModel(command, { root, env, now })
  }

  /** Adds `fal:fal-ai/odd`, whose document says this of its input. */
  async function addOdd(input: object, ...words: string[]): Promise<string[]> {
    const schemas = { ...outputs, In: { type: 'object', ...input } }
    const odd = { name: 'fal-ai/odd', version: null, official: true, input: 'In', output: 'Out', schemas }
    const saved = join(root, 'odd.json')
    await writeFile(saved, JSON.stringify(falDocument(odd as ModelSchema)))
    return add('fal:fal-ai/odd', '--price', 'unknown', '--schema', saved, ...words)
  }

  async function written(name: string): Promise<Recipe> {
    const made = await import(pathToFileURL(join(root, 'recipes', `${name}.ts`)).href)
    return made[identifier(name)]({ hosts: [], allowPrivate: true })
  }

  /** What the type checker says of the recipes. */
  async function typeFaults(files: string): Promise<string> {
    const settings = { extends: '../../tsconfig.json', include: [`recipes/${files}`], exclude: [] }
    await writeFile(join(root, 'tsconfig.json'), JSON.stringify(settings))
    const tsc = join(project, 'node_modules/.bin/tsc')
    const { stdout } = await promisify(execFile)(tsc, ['-p', root]).catch((error: { stdout: string }) => error)
    return stdout
  }
  return { root, env, add, addOdd, written, typeFaults }
}
