// `npm run build`, which Netlify runs: the page, and each door bundled into a folder of its own. A function then starts with a few reads
// instead of some hundred. A recipe that can't be run, or a function that has become too heavy, ends the build and with it the deploy.

import { writeFile } from 'node:fs/promises'
import { chosenStore, storeOrigin } from '../core/store-choice.ts'
import { pageFolder } from '../dev/page.ts'
import { checkRecipes } from '../recipes/index.ts'
import { bundleDoors } from './bundle.ts'
import { migrateForDeploy } from './migrate-deploy.ts'
import { reportSizes } from './pack.ts'
import { headersFile } from './page-headers.ts'

await checkRecipes()
const folder = await pageFolder()
const { S3_ENDPOINT, S3_PUBLIC_ENDPOINT, STORAGE = chosenStore(process.env) } = process.env
await writeFile(new URL('_headers', folder), headersFile(storeOrigin({ STORAGE, S3_ENDPOINT, S3_PUBLIC_ENDPOINT })))
await reportSizes(await bundleDoors())
// Last, so that a build that fails changes nothing.
for (const name of await migrateForDeploy(process.env)) console.log(`migrated ${name}`)
