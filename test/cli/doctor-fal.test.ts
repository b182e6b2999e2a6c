// What the doctor says of a key of fal's: whether it is taken, and what it may do.
import { afterAll, expect, test } from 'vitest'
import { runChecks } from '../../cli/doctor/findings.ts'
import { checkFal } from '../../cli/doctor/providers.ts'
import { parseConfig } from '../../providers/config.ts'
import { openHttp } from '../../providers/http.ts'
import { startSimulator } from '../../simulator/server.ts'

const simulator = await startSimulator({
  port: 0,
  webhookSecret: 'whsec_b3RoZXI=',
  falKey: 'fal_right',
  secondsPerStep: 4,
})
const http = openHttp({ connections: 4 })
afterAll(async () => {
  await http.close()
  await simulator.close()
})

async function findingsOf(FAL_KEY: string) {
  const env = {
    FAL_KEY,
    FAL_API_URL: `${simulator.url}/fal/api`,
    FAL_JWKS_URL: `${simulator.url}/fal/jwks.json`,
  }
  const unasked = () => Promise.reject(new Error('not asked'))
  return runChecks([checkFal], { env, config: parseConfig(env), http, health: unasked, server: unasked })
}

test.each([
  ['that may do all', true, 'ok', /^admin: its bills are read/, undefined],
  ['that may only run models', false, 'warn', /estimates, .* 30 days$/, /^Set FAL_KEY to a key with admin scope/],
])('a key %s', async (_name, is_admin, state, says, todo) => {
  simulator.fal.set({ is_admin })
  const [key, scope] = await findingsOf('fal_right')
  expect(key).toMatchObject({ name: 'fal', state: 'ok' })
  expect(scope).toMatchObject({ name: 'fal scope', state, says: expect.stringMatching(says) })
  expect(scope?.todo ?? '').toMatch(todo ?? /^$/)
})

test('of a key that is refused, nothing more is said', async () => {
  const findings = await findingsOf('fal_wrong')
  expect(findings.map(({ name, state }) => `${state} ${name}`)).toEqual(['FAIL fal', 'ok fal signatures'])
})
