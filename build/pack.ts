// What Netlify makes of the bundles: one zip a function. The build asks its bundler, the one that deploys run, how large they become, so
// that weight is seen before it is deployed; tests and the benchmark take the same as folders, and run them.
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Config, zipFunctions } from '@netlify/zip-it-and-ship-it'
import type { Bundle } from './bundle.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

/** They reach the code that draws, but neither take a picture nor send one to a chat. */
const neverDraw = ['health', 'openapi']

/** The doors that need sharp: those that take images, and those whose pass may send a picture to a chat. */
const drawingDoors = (bundles: readonly Bundle[]): string[] =>
  bundles.flatMap(({ name, draws }) => (draws && !neverDraw.includes(name) ? [name] : []))

/** sharp is native, and so is in no bundle: it is packed as it is installed, with what it needs. */
export const sharpFiles = ['sharp', '@img', 'detect-libc', 'semver'].map((name) => `node_modules/${name}/**`)

/** As netlify.toml says it; a test holds the two against each other. */
export function packing(bundles: readonly Bundle[]): Config {
  const drawing = drawingDoors(bundles)
  const own = bundles.map(({ name, folder }) => [
    name,
    { includedFiles: [`${relative(root, folder)}/*`, ...(drawing.includes(name) ? sharpFiles : [])] },
  ])
  return { '*': { nodeBundler: 'none', includedFilesBasePath: root }, ...Object.fromEntries(own) }
}

/** Packs all bundles into a folder: as zips, which are what is deployed, or as folders, which can be run. Gives the manifest's path. */
export async function packDoors(bundles: readonly Bundle[], out: string, archiveFormat: 'zip' | 'none') {
  const [first] = bundles
  if (!first) throw new Error('there is no door')
  const manifest = join(out, 'manifest.json')
  const options = { archiveFormat, basePath: root, config: packing(bundles), manifest }
  return { manifest, packed: await zipFunctions([dirname(first.folder)], out, options) }
}

/** In kB: Netlify's own runtime is 330 of them; of the doors that draw, sharp with libvips is most. */
const mostKb = 1_200
const mostKbDrawing = 12_000

/** One line a door; throws when one is heavier than it may be. */
export async function reportSizes(bundles: readonly Bundle[]): Promise<void> {
  const out = await mkdtemp(join(tmpdir(), 'stepgate-zip-'))
  try {
    const { packed } = await packDoors(bundles, out, 'zip')
    const sizes = await Promise.all(
      packed.map(async ({ name, path }) => ({ name, kb: Math.round((await stat(path)).size / 1000) })),
    )
    for (const { name, kb } of sizes) console.log(`${name.padEnd(12)} ${String(kb).padStart(6)} kB`)
    requireLight(sizes, drawingDoors(bundles))
  } finally {
    await rm(out, { recursive: true })
  }
}

export function requireLight(sizes: readonly { name: string; kb: number }[], drawing: readonly string[]): void {
  const limitOf = (name: string) => (drawing.includes(name) ? mostKbDrawing : mostKb)
  const heavy = sizes.filter(({ name, kb }) => kb > limitOf(name))
  if (heavy.length === 0) return
  const each = heavy.map(({ name, kb }) => `${name} has ${kb} kB, at most ${limitOf(name)} are allowed`)
  throw new Error(`Functions are too heavy: ${each.join('; ')}`)
}
