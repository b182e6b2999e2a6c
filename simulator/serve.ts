// `npm run simulator`: the simulator alone, on SIMULATOR_PORT, until it is stopped. Prints the environment lines that
// make Stepgate, or any client, use it.

import { listening, portOf, refuseWords, sayWhyNot } from '../dev/begin.ts'
import { openRecipes } from '../recipes/index.ts'
import { startSimulator } from './server.ts'

sayWhyNot()
const name = 'SIMULATOR_PORT'
refuseWords(process.argv.slice(2), name)
const port = portOf(process.env[name], { name, usual: 8899 })

const token = 'r8_simulator'
// Not a secret: it signs nothing but the simulator's own webhooks.
const webhookSecret = 'whsec_c3RlcGdhdGUtc2ltdWxhdG9yLXdlYmhvb2tz'
const falKey = 'fal_simulator'
const simulator = await listening(
  port,
  startSimulator({
    ...{ port, replicateToken: token, webhookSecret, falKey },
    secondsPerStep: 4,
    recipes: openRecipes({ hosts: [], allowPrivate: true }).values(),
  }),
  name,
)

console.log(`Provider simulator at ${simulator.url}; its till is at ${simulator.url}/_simulator/till
To use it:
REPLICATE_BASE_URL=${simulator.url}/v1
REPLICATE_API_TOKEN=${token}
REPLICATE_WEBHOOK_SECRET=${webhookSecret}
FAL_KEY=${falKey}
FAL_QUEUE_URL=${simulator.url}/fal/queue
FAL_API_URL=${simulator.url}/fal/api
FAL_JWKS_URL=${simulator.url}/fal/jwks.json`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void simulator.close())
