// The environment: what is missing, malformed, easily guessed, or written under a name that nothing reads. Pure.
import { type Config, canBeCalledBack, EnvironmentError } from '../../core/config.ts'
import { parseConfig, variables } from '../../providers/config.ts'
import { isOffered, providers, settingOf } from '../../providers/index.ts'
import { type Check, fail, ok, type Verdict, warn } from './findings.ts'
import { meantBy } from './names.ts'

type Env = Readonly<Record<string, string | undefined>>

/** What can be used of an environment, and what is wrong with the rest. */
export function readEnvironment(env: Env): { config: Config; faults: Verdict[] } {
  const faults = faultsOf(env)
  const names = faults.map(([name]) => name)
  const sound = without(env, (name) => names.includes(nameRead(name)))
  const verdicts = faults.map(([name, message]) =>
    fail(`${name}: ${message}`, 'Correct it where the deployment has it.'),
  )
  return { config: parseConfig(fitting(sound)), faults: verdicts }
}

function faultsOf(env: Env): EnvironmentError['faults'] {
  try {
    parseConfig(env)
    return []
  } catch (error) {
    if (error instanceof EnvironmentError) return error.faults
    throw error
  }
}

const without = (env: Env, isLeftOut: (name: string) => boolean): Env =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !isLeftOut(name)))

/** Without the variables whose company is missing, one or two at a time: everything else is still looked at. */
function fitting(env: Env): Env {
  const left = faultsOf(env).length
  if (left === 0) return env
  const set = Object.keys(env).filter((name) => env[name] && variables.includes(nameRead(name)))
  const pairs = set.flatMap((one, place) => set.slice(place + 1).map((other) => [one, other]))
  for (const some of [set.map((name) => [name]), pairs]) {
    const rated = some.map((names) => without(env, (name) => names.includes(name)))
    const better = rated.find((rest) => faultsOf(rest).length < left)
    if (better) return fitting(better)
  }
  return {}
}

/** Under which name a variable is checked. */
function nameRead(name: string): string {
  if (name === 'NETLIFY_DB_URL' || name === 'NETLIFY_DATABASE_URL') return 'DATABASE_URL'
  return name === 'URL' ? 'PUBLIC_URL' : name
}

export const checkEnvironment: Check = [
  'environment',
  async ({ env, config }) => {
    const { faults } = readEnvironment(env)
    const found = [...faults, ...missing(env, config), ...doubtful(env, config), ...guessable(env), ...misnamed(env)]
    const set = variables.filter((name) => env[name]).length
    return found.length > 0 ? found : ok(`${set} variables are set, and sound`)
  },
]

const secretOf = (name: string) => `Set ${name} to what "openssl rand -hex 32" prints.`

/** Those whose condition holds. */
const holding = (all: readonly (readonly [unknown, Verdict])[]): Verdict[] =>
  all.flatMap(([holds, verdict]) => (holds ? [verdict] : []))

function missing(env: Env, config: Config): Verdict[] {
  const keys = providers.map(({ key }) => key)
  // One that is set and wrong is told as such.
  const isUnset = (name: string) => !settingOf(config, name) && !env[name]
  return holding([
    [isUnset('DATABASE_URL'), fail('DATABASE_URL is not set', 'Set it to the postgres:// address.')],
    [isUnset('CRON_SECRET'), fail('CRON_SECRET is not set: pings answer 503', secretOf('CRON_SECRET'))],
    [isUnset('SESSION_SECRET'), fail('SESSION_SECRET is not set: users get 503', secretOf('SESSION_SECRET'))],
    [
      !providers.some((spec) => isOffered(config, spec)),
      fail("no provider's key is set: no task is accepted", `Set ${keys.join(' or ')}, or several.`),
    ],
    [
      isUnset('PUBLIC_URL'),
      warn('PUBLIC_URL is not set: the deployment itself is not looked at', 'Set it to its address.'),
    ],
  ])
}

function doubtful(env: Env, config: Config): Verdict[] {
  const { PUBLIC_URL, ALLOW_PRIVATE_IMAGES } = config
  return holding([
    [
      config.TELEGRAM_BOT_TOKEN && !config.TELEGRAM_WEBHOOK_SECRET && !env['TELEGRAM_WEBHOOK_SECRET'],
      fail("TELEGRAM_WEBHOOK_SECRET is not set: the bot's updates get 503", secretOf('TELEGRAM_WEBHOOK_SECRET')),
    ],
    [
      env['REPLICATE_API_TOKEN'] && !env['REPLICATE_WEBHOOK_SECRET'],
      warn("REPLICATE_WEBHOOK_SECRET is not set: Replicate's webhooks are refused", 'See "webhook secret".'),
    ],
    [
      PUBLIC_URL && !canBeCalledBack(config),
      warn('PUBLIC_URL is not https: no webhooks are asked for', 'Use the https address.'),
    ],
    [
      ALLOW_PRIVATE_IMAGES && PUBLIC_URL?.startsWith('https:'),
      warn('ALLOW_PRIVATE_IMAGES is on: users may name addresses of private networks', 'Take it away.'),
    ],
  ])
}

const secrets = ['CRON_SECRET', 'SESSION_SECRET', 'ALERT_SECRET']
const fewCharacters = 8

function guessable(env: Env): Verdict[] {
  return secrets.flatMap((name, place) => {
    const value = env[name] ?? ''
    if (value === '') return []
    const twin = secrets.slice(0, place).find((other) => env[other] === value)
    if (twin) return [warn(`${name} is the same as ${twin}: one that is learned gives both away`, secretOf(name))]
    const isWord = /change|secret|password|example|replace|stepgate|qwert/i.test(value)
    const isPoor = new Set(value).size < fewCharacters
    return isWord || isPoor ? [warn(`${name} can be guessed`, secretOf(name))] : []
  })
}

function misnamed(env: Env): Verdict[] {
  return Object.keys(env).flatMap((name) => {
    const meant = meantBy(name)
    return meant && !env[meant] ? [warn(`${name} is not read`, `Is ${meant} meant?`)] : []
  })
}
