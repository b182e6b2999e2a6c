// The kinds of settings that an environment holds, each a function that reads a variable's text. core/config.ts and the providers' own variables
// are made of them. Without zod: to make a schema of each variable took longer than to read all of them, at every start of a function.
import { microsOf } from './price.ts'

/** Reads a variable's text, undefined where it is not set. Throws a `WrongSetting` where it can't. */
export type Setting<T = unknown> = (given: string | undefined) => T
export type Settings = Readonly<Record<string, Setting>>

type Optional<S extends Settings> = { [Name in keyof S]: undefined extends ReturnType<S[Name]> ? Name : never }[keyof S]
/** What settings are read into. */
export type ValuesOf<S extends Settings> = {
  readonly [Name in Exclude<keyof S, Optional<S>>]: ReturnType<S[Name]>
} & { readonly [Name in Optional<S>]?: ReturnType<S[Name]> }

/** Its message says what would be right, and not what was given: it may be a secret. */
export class WrongSetting extends Error {
  override name = 'WrongSetting'
}

/** What holds for every right value, and how that is said. */
type Rule = readonly [holds: (value: string) => boolean, message: string]
type Reader<T> = (given: string) => T

export const optional =
  <T>(read: Reader<T>): Setting<T | undefined> =>
  (given) =>
    given === undefined ? undefined : read(given)
export const withDefault =
  <T>(fallback: string, read: Reader<T>): Setting<T> =>
  (given = fallback) =>
    read(given)

export const textThat =
  (...rules: readonly Rule[]): Reader<string> =>
  (given) => {
    const [, message] = rules.find(([holds]) => !holds(given)) ?? []
    if (message) throw new WrongSetting(message)
    return given
  }
export const textLike = (form: RegExp, message: string): Reader<string> =>
  textThat([(value) => form.test(value), message])
export const text = optional(textThat())
export const oneOf =
  <const Word extends string>(...words: readonly Word[]): Reader<Word> =>
  (given) => {
    const word = words.find((one) => one === given)
    if (word === undefined) throw new WrongSetting(`must be ${words.map((one) => `"${one}"`).join(' or ')}`)
    return word
  }
/** One of two words, as whether it is the first. */
export const either = (yes: string, no: string, fallback: string): Setting<boolean> =>
  withDefault(fallback, (given) => oneOf(yes, no)(given) === yes)
export const flag = either('1', '0', '0')

/** The rules that follow read an address. */
export const webAddressThat = (...rules: readonly Rule[]): Reader<string> => {
  const read = textThat([isWebAddress, 'must be an address such as https://app.example'], ...rules)
  return (given) => read(given.trim())
}
const webAddress = webAddressThat()
/** Of a server, perhaps with a folder: what comes behind it is ours to say. */
export const serverAddress = optional((given) => trimSlash(webAddress(given)))
export const url = (fallback: string): Setting<string> => withDefault(fallback, (given) => trimSlash(webAddress(given)))

const whole =
  (most: number, more = ''): Reader<number> =>
  (given) => {
    const value = Number(given)
    if (Number.isInteger(value) && value >= 1 && value <= most) return value
    throw new WrongSetting(`must be a whole number from 1 to ${most}${more}`)
  }
export const count = (fallback: number, most: number): Setting<number> => withDefault(String(fallback), whole(most))
/** Claims look at every place below a provider's cap, and columns count in 32 bits: what is larger could not be kept. */
export const cap = optional(whole(10_000, ', or left out'))
/** A number of this form, or `off`, which is null. */
export const numberOrOff = (form: RegExp, message: string, fallback: string): Setting<number | null> => {
  const read = textLike(form, message)
  return withDefault(fallback, (given) => (given === 'off' ? null : Number(read(given))))
}
/** Dollars a day as millionths; null: no ceiling. */
export const budget = (fallback: string): Setting<number | null> => {
  const read = numberOrOff(/^\d{1,6}(\.\d{1,6})?$/, 'must be dollars such as 10 or 0.0375, or off', fallback)
  return (given) => {
    const dollars = read(given)
    return dollars === null ? null : microsOf(dollars)
  }
}

/** What commas separate. The rule holds for each, as it was read. */
export const listOf =
  (holds: Rule[0], message: string, read = (item: string) => item): Setting<readonly string[]> =>
  (given = '') => {
    const items = itemsOf(given).map(read)
    if (!items.every(holds)) throw new WrongSetting(message)
    return items
  }
/** Hosts with their subdomains, which some write as `*.`; each as an address that was parsed names it, whose host it is compared with. */
export const hosts = listOf(isHostname, 'must be host names such as shop.example, separated by commas', (name) =>
  asParsed(name.replace(/^\*?\./, '')),
)

const itemsOf = (given: string): string[] =>
  given
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)

function isWebAddress(value: string): boolean {
  return /^https?:\/\/\S+$/i.test(value) && URL.canParse(value)
}

export function isSessionSecret(value: string): boolean {
  const secrets = value.split(' ').filter(Boolean)
  return secrets.length >= 1 && secrets.length <= 2 && secrets.every((secret) => secret.length >= 32)
}

/** One secret or several, each of as many bytes as Standard Webhooks asks for. */
export function isSigningSecret(value: string): boolean {
  const secrets = value.split(' ').filter(Boolean)
  const isOne = (secret: string) => {
    const [, encoded = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? []
    const bytes = Math.floor((encoded.replace(/=+$/, '').length * 3) / 4)
    return bytes >= 24 && bytes <= 64
  }
  return secrets.length > 0 && secrets.every(isOne)
}

const asParsed = (name: string): string =>
  /^[^/?#@:\\]+$/.test(name) ? (URL.parse(`https://${name}`)?.hostname ?? name) : name

export function isHostname(host: string): boolean {
  return URL.parse(`https://${host}`)?.hostname === host
}

export const isLoopback = (hostname: string): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(hostname)

/** Over http only on this machine. */
export function isSafeFromOthers(value: string): boolean {
  const { protocol, hostname } = new URL(value)
  return protocol === 'https:' || isLoopback(hostname)
}

/** Requests carry no user name and password of an address: its receiver would refuse them all. */
export function isWithoutPassword(value: string): boolean {
  const { username, password } = new URL(value)
  return !username && !password
}

function trimSlash(value: string): string {
  return value.replace(/\/+$/, '')
}
