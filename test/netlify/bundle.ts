// What of the doors' own config reaches Netlify. Its bundler reads config as literals, without running the module, and drops what it
// can't read without a word: this runs it, and holds the manifest against the config that the modules export.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config } from '@netlify/functions'
import { type Config as FunctionsConfig, type FunctionsManifest, zipFunctions } from '@netlify/zip-it-and-ship-it'
import { loadDoors } from '../../build/doors.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

type Bundled = FunctionsManifest['functions'][number]

/**
 * One sentence for each thing that a door declares and Netlify would not see; none where all is well. `folder` ends with a slash.
 * `built`: what Netlify is given instead of the sources.
 */
export async function findDropped(folder: URL, built = folder): Promise<string[]> {
  const doors = await loadDoors(folder)
  const bundled = new Map((await bundle(built)).map((entry) => [entry.name, entry]))
  const sentences = doors.flatMap(({ name, config }) => {
    const entry = bundled.get(name)
    bundled.delete(name)
    return entry ? compare(name, config, entry) : [`Door ${name} is not bundled at all.`]
  })
  return [...sentences, ...[...bundled.keys()].map((name) => `Netlify bundles ${name}, which is no door.`)]
}

// Without following the imports: a manifest is made all the same, in a hundredth of the time.
const config: FunctionsConfig = { '*': { nodeBundler: 'none' } }

async function bundle(folder: URL): Promise<Bundled[]> {
  const out = await mkdtemp(join(tmpdir(), 'stepgate-bundle-'))
  try {
    const manifest = join(out, 'manifest.json')
    await zipFunctions([fileURLToPath(folder)], out, { archiveFormat: 'none', basePath: root, manifest, config })
    const { functions }: FunctionsManifest = JSON.parse(await readFile(manifest, 'utf8'))
    return functions
  } finally {
    await rm(out, { recursive: true })
  }
}

function compare(name: string, config: Config, entry: Bundled): string[] {
  const routes = entry.routes ?? []
  const { rateLimitConfig, aggregate } = entry.trafficRules?.action.config ?? {}
  const { windowLimit, windowSize, aggregateBy } = config.rateLimit ?? {}
  const declared = {
    path: listOf(config.path).sort(),
    method: listOf(config.method).sort(),
    schedule: config.schedule,
    // Without one, Netlify counts by domain.
    rateLimit: config.rateLimit && [windowLimit, windowSize, aggregateBy ?? ['domain']],
  }
  const seen = {
    path: routes.map((route) => route.pattern).sort(),
    method: [...new Set(routes.flatMap((route) => route.methods ?? []))].sort(),
    schedule: entry.schedule,
    rateLimit: rateLimitConfig && [
      rateLimitConfig.windowLimit,
      rateLimitConfig.windowSize,
      aggregate?.keys.map(({ type }) => type),
    ],
  }
  return (['path', 'method', 'schedule', 'rateLimit'] as const)
    .filter((field) => JSON.stringify(declared[field]) !== JSON.stringify(seen[field]))
    .map((field) => {
      const [own, netlify] = [declared, seen].map((side) => JSON.stringify(side[field] ?? null))
      return `Door ${name} declares ${field} ${own}, but Netlify sees ${netlify}: write it as a plain literal, typed \`: Config\`.`
    })
}

const listOf = <T>(value: T | T[] | undefined): T[] =>
  value === undefined ? [] : Array.isArray(value) ? [...value] : [value]
