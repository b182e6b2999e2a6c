// `npm run build`, which Netlify runs: the page, and each door bundled into a folder of its own. A function then starts with a few reads
// instead of some hundred. A recipe that can't be run, or a function that has become too heavy, ends the build and with it the deploy.

import { checkRecipes } from '../recipes/index.ts'
import { bundleDoors } from './bundle.ts'
import { migrateForDeploy } from './migrate-deploy.ts'
import { reportSizes } from './pack.ts'
import { publishPage } from './publish.ts'

await checkRecipes()
await publishPage(process.env)
await reportSizes(await bundleDoors())
// Last, so that a build that fails changes nothing.
for (const name of await migrateForDeploy(process.env)) console.log(`migrated ${name}`)
