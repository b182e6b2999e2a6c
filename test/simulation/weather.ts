// What kind of deployment a seed has, and of what mind its providers are: drawn once, so that a schedule shows one trouble at length.
import type { Config } from '../../core/config.ts'
import { parseConfig } from '../../providers/config.ts'
import type { Random } from './random.ts'

export const publicUrl = 'https://app.test'
export const webhookSecret = 'whsec_c2ltdWxhdGlvbnNpbXVsYXRpb25zaW11bGF0aW9u'
export const cronSecret = 'simulated-cron-secret'
export const replicateUrl = 'https://replicate.test'
export const falUrl = 'https://fal.test'
export const receiverUrl = 'https://receiver.test/hook'

/** Faults whose mend isn't there yet would break promises in every run: each is off until it is. */
export const faultsOn = {
  store: true,
  keys: true,
  keysForGood: true,
  clocks: true,
  databaseClock: true,
  orphans: true,
  wakeBehindTime: true,
}

export interface Weather {
  /** Without a public address there are no webhooks, and providers are sent the images themselves. */
  isReachable: boolean
  /** Whether any webhook arrives. */
  webhooks: boolean
  /** How Replicate's list is: behind by some seconds, so slow that it isn't read to its end, or not to be had. */
  list: 'well' | 'lagging' | 'slow' | 'broken'
  /** Two predictions a page. */
  isPaged: boolean
  /** Whether the account has predictions of somebody else's. */
  hasNeighbours: boolean
  /** Whether fal's list shows what isn't over. */
  showsUnfinished: boolean
  /** Webhooks come again and again, long after they were answered. */
  echoes: boolean
  /**
   * Reads answer 404 now and then, though everything is there, and what checks have found is at times written without an answer; also when
   * the other faults have stopped.
   */
  flickers: boolean
  /** How often a file is not to be had for the moment; also when the other faults have stopped. */
  withholds: number
  /** How often statements fail beside those that don't. */
  shakes: number
  /** Most answers to creates are lost, though the provider took them. */
  losesCreates: boolean
  /** Many creates make two predictions. */
  doublesCreates: boolean
  /** So they are, and no webhook comes: a list alone can tell, if it can. One that is long, one whose inputs are erased, or fal's. */
  listsAlone: 'no' | 'long' | 'erased' | 'fal'
  /** Answers of more than two claimed tasks are too large for the database's way back. */
  isNarrow: boolean
  /** Time goes by between events: minutes instead of moments. */
  isSlow: boolean
  caps: { replicate?: number; fal?: number }
  quota: number | undefined
  /** Of a step. */
  mostAttempts: number
  /** In millionths of a dollar, of all and of a user. It follows from the providers' pace: what is drawn stays as it was. */
  budget: { all: number; user: number } | undefined
  /** By how much instances' clocks are ahead of the database's, in milliseconds. */
  skews: readonly number[]
  /** Weights that are copied in parts. */
  isHeavy: boolean
  secondsPerStep: number
  secondsPerTraining: number
  /** The blob store refuses, hangs or forgets at times. */
  storeFails: boolean
  /** Whether a provider's key stays, and whose doesn't. */
  keys: 'kept' | 'gone for a while' | 'gone for good'
  keyProvider: 'replicate' | 'fal'
  /** Those of the instances, and the database's. */
  clocksGoBack: boolean
  /** Those of the instances are hours back from the beginning, and many bring a photo of their own. */
  beginsBehind: boolean
  /** The database's is minutes back at times, and comes right while a create is under way. The instances' stay as they are. */
  jumpsAhead: boolean
  /** Whether an app is told of every move. */
  isTold: boolean
  /** Its receiver fails, mostly. */
  isReceiverDown: boolean
}

/** For one try-on of a step or of two: what is left then is too little for another. */
const budgets: ReadonlyMap<number, Weather['budget']> = new Map([
  [3, { all: 60_000, user: 40_000 }],
  [10, { all: 80_000, user: 75_000 }],
])

/** What an app is told is drawn by itself: other draws stay as they were. */
export function drawWeather(random: Random, own: Random): Weather {
  const isCapped = random.chance(0.2)
  const flickers = random.chance(0.18)
  const weather = {
    isReachable: random.chance(0.85),
    webhooks: random.chance(0.75),
    list: random.weighted({ well: 6, lagging: 2, slow: 1, broken: 1 }),
    isPaged: random.chance(0.25),
    hasNeighbours: random.chance(0.25),
    showsUnfinished: random.chance(0.2),
    echoes: random.chance(0.2),
    flickers,
    withholds: random.chance(flickers ? 0.4 : 0.05) ? 0.7 : 0,
    shakes: random.chance(flickers ? 0.6 : 0.1) ? 3 : 0.15,
    isSlow: flickers || random.chance(0.15),
    caps: isCapped ? { replicate: random.between(1, 2), fal: 1 } : {},
    quota: random.chance(0.12) ? 2 : undefined,
    skews: random.chance(0.3) ? [0, 2_500, -2_500] : [0],
    isHeavy: random.chance(0.1),
    secondsPerStep: random.pick(flickers ? [60, 900] : [3, 10, 25, 60, 900]),
    secondsPerTraining: random.pick([20, 300, 2_000, 5_000, 40_000]),
    mostAttempts: random.chance(0.2) ? 2 : 5,
    storeFails: random.chance(0.2) && faultsOn.store,
    keys: faultsOn.keys
      ? random.weighted({ kept: 10, 'gone for a while': 1, 'gone for good': faultsOn.keysForGood ? 1 : 0 })
      : 'kept',
    keyProvider: random.pick(['replicate', 'replicate', 'fal'] as const),
    clocksGoBack: random.chance(0.12) && faultsOn.clocks,
    losesCreates: random.chance(0.2),
    isNarrow: random.chance(0.15),
  }
  return {
    ...weather,
    budget: budgets.get(weather.secondsPerStep),
    isTold: own.chance(0.45),
    isReceiverDown: own.chance(0.5),
    ...listsAlone(own.weighted({ no: 70, long: 10, erased: 8, fal: 12 })),
    doublesCreates: own.chance(0.1),
    beginsBehind: own.chance(0.1) && faultsOn.clocks,
    jumpsAhead: own.chance(0.1) && faultsOn.databaseClock,
  }
}

/** A list is long by what others make; nobody is refused for want of a key or of money. */
function listsAlone(which: Weather['listsAlone']) {
  if (which === 'no') return { listsAlone: which }
  const lost = { losesCreates: true, webhooks: false, keys: 'kept' as const, budget: undefined }
  if (which === 'long') return { ...lost, listsAlone: which, list: 'slow' as const, hasNeighbours: true }
  return { ...lost, listsAlone: which, list: 'well' as const }
}

export function configOf(
  { isReachable, caps, quota, mostAttempts, budget, isTold }: Weather,
  keyless?: 'replicate' | 'fal',
): Config {
  const dollars = (micros: number | undefined) => (micros === undefined ? 'off' : String(micros / 1_000_000))
  const count = (value: number | undefined) => (value === undefined ? undefined : String(value))
  return parseConfig({
    DATABASE_URL: 'postgres://simulated',
    REPLICATE_API_TOKEN: keyless === 'replicate' ? undefined : 'simulated',
    REPLICATE_BASE_URL: `${replicateUrl}/v1`,
    REPLICATE_WEBHOOK_SECRET: webhookSecret,
    FAL_KEY: keyless === 'fal' ? undefined : 'simulated',
    FAL_QUEUE_URL: `${falUrl}/queue`,
    FAL_API_URL: `${falUrl}/api`,
    FAL_JWKS_URL: `${falUrl}/jwks.json`,
    PUBLIC_URL: isReachable ? publicUrl : undefined,
    CRON_SECRET: cronSecret,
    SESSION_SECRET: 'simulated-session-secret-of-32-characters',
    REPLICATE_CONCURRENCY: count(caps.replicate),
    FAL_CONCURRENCY: count(caps.fal),
    DAILY_TASKS_PER_USER: count(quota),
    MAX_ATTEMPTS_PER_STEP: count(mostAttempts),
    BUDGET_PER_DAY: dollars(budget?.all),
    BUDGET_PER_USER_PER_DAY: dollars(budget?.user),
    // Nobody here stores much: the read would be a statement of every start, and every schedule another.
    STORED_MB_PER_USER: 'off',
    // The clock goes ahead by more than a month.
    KEEP_FINISHED_DAYS: 'off',
    PASS_BATCH: '20',
    ...(isTold && { NOTIFY_URL: receiverUrl, NOTIFY_SECRET: webhookSecret }),
    LOG_LEVEL: 'silent',
  })
}

/** As one line of a schedule. */
export function describeWeather(weather: Weather): string {
  return Object.entries(weather)
    .map(([name, value]) => `${name} ${JSON.stringify(value) ?? 'none'}`)
    .join(', ')
}
