// The folder that Netlify publishes: the page, with what is offered by the keys of this build, and the headers of its files. build.ts calls it.
import { writeFile } from 'node:fs/promises'
import { chosenStore, storeOrigin } from '../core/store-choice.ts'
import { buildPage } from '../dev/page.ts'
import { headersFile } from './page-headers.ts'

/** As netlify.toml names it: not one of the local servers' pages, of which each set of keys has its own. */
const published = new URL('../dist/web/', import.meta.url)

export async function publishPage(env: NodeJS.ProcessEnv): Promise<URL> {
  const { S3_ENDPOINT, S3_PUBLIC_ENDPOINT } = env
  const STORAGE = env['STORAGE'] || chosenStore(env)
  await buildPage(published)
  await writeFile(
    new URL('_headers', published),
    headersFile(storeOrigin({ STORAGE, S3_ENDPOINT, S3_PUBLIC_ENDPOINT })),
  )
  return published
}
