// The doors as a deploy's build bundles them, bundled once for everybody who asks. `npm run serve:built` and the tests of the build call it.
import { readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Bundle, bundleDoors } from '../build/bundle.ts'
import { keptBuild } from './kept-build.ts'

/** Every folder that a door may have something of: test/netlify/build.test.ts holds the bundles against it. */
export const bundledFolders = [
  'core',
  'db',
  'engine',
  'functions',
  'netlify',
  'notify',
  'providers',
  'recipes',
  'storage',
]

export async function builtDoors(): Promise<Bundle[]> {
  const folder = await keptBuild('doors', [...bundledFolders, 'build'], async (out) => {
    const bundles = await bundleDoors(new URL('functions/', out))
    // It is moved when it is complete.
    const inside = (path: string) => relative(fileURLToPath(out), path)
    const moved = bundles.map((one) => ({ ...one, folder: inside(one.folder), entry: inside(one.entry) }))
    await writeFile(new URL('bundles.json', out), JSON.stringify(moved))
  })
  const bundles: Bundle[] = JSON.parse(await readFile(new URL('bundles.json', folder), 'utf8'))
  const within = (path: string) => join(fileURLToPath(folder), path)
  return bundles.map((bundle) => ({ ...bundle, folder: within(bundle.folder), entry: within(bundle.entry) }))
}
