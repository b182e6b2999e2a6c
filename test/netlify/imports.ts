// Which files of ours a file imports, at once or late, and which it only takes types from. Tests of the house's structure use it.
import { readFile } from 'node:fs/promises'

export const root = new URL('../../', import.meta.url)

export interface Imports {
  /** Of code: `import … from` and `import()`. */
  code: string[]
  /** Of types alone: gone when the file runs. */
  types: string[]
}

const statement =
  /^(?:import|export)\s+(type\s)?[^'"]*?\bfrom\s+'(\.[^']+)'|^import\s+'(\.[^']+)'|\bimport\('(\.[^']+)'\)/gm

const known = new Map<string, Promise<Imports>>()

/** By their paths from the root. */
export function importsOf(file: string): Promise<Imports> {
  const imports = known.get(file) ?? readImports(file)
  known.set(file, imports)
  return imports
}

async function readImports(file: string): Promise<Imports> {
  const found: Imports = { code: [], types: [] }
  for (const [, type, from, bare, late] of (await readFile(new URL(file, root), 'utf8')).matchAll(statement)) {
    const target = new URL(from ?? bare ?? late ?? '', new URL(file, root)).href.slice(root.href.length)
    found[type ? 'types' : 'code'].push(target)
  }
  return found
}

/** All that a file needs, itself included, each with the chain of files that leads to it. Types count: whoever packs it needs them too. */
export async function reach(entry: string): Promise<Map<string, string[]>> {
  const chains = new Map([[entry, [entry]]])
  for (const [file, chain] of chains) {
    const { code, types } = await importsOf(file)
    for (const next of [...code, ...types]) if (!chains.has(next)) chains.set(next, [...chain, next])
  }
  return chains
}
