// The providers as the deployment itself has met them: whether one is paused or leaves checks without an answer, and whether webhooks are
// accepted. What is set here may differ from what is set there, so the site is asked.
import { troublesOf } from '../troubles.ts'
import { type Check, ok, warn } from './findings.ts'

export const checkProviders: Check = [
  'providers',
  async ({ config, health }) => {
    // That the site isn't known, or doesn't answer to this secret, is said by "site" and "cron".
    if (!config.PUBLIC_URL) return []
    const standing = await health().then(
      (answered) => answered.standing,
      () => undefined,
    )
    if (!standing?.providers) return []
    const troubles = troublesOf(standing.providers, new Date())
    if (troubles.length === 0) return ok('none is paused or silent, and no webhook is refused')
    return troubles.map(({ name, says, todo }) => ({ name, ...warn(says, todo) }))
  },
]
