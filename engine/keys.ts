// One key for each purpose, derived from the deployment's secrets (HKDF-SHA256), so that what is signed for one can never pass for another.
// Sessions, signed links, webhook addresses and alerts take their keys here.
import { createHash, createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto'
import { type Config, sessionSecrets } from '../core/config.ts'
import { AppError } from '../core/errors.ts'

export type Purpose = 'session' | 'result link' | 'webhook address' | 'alert' | 'erasure'

export const deriveKey = (secret: string, purpose: Purpose): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', `stepgate ${purpose}`, 32))

export type Keys = [KeyObject, ...KeyObject[]]

/** Made once for each configuration, not for every link. */
const known = new WeakMap<Config, Map<Purpose, Keys>>()

/**
 * The keys of SESSION_SECRET: the first signs, all are accepted. The secrets themselves stand last: earlier versions signed with them, and
 * their sessions, links and addresses live on until they end. Each text names its purpose, so that this mixes none up.
 */
export function keysOf(config: Config, purpose: Purpose): Keys {
  const own = known.get(config) ?? new Map<Purpose, Keys>()
  const keys = own.get(purpose) ?? makeKeys(config, purpose)
  known.set(config, own.set(purpose, keys))
  return keys
}

/** Not as bytes: of these Node finds out first, by throwing, that they are no KeyObject, and that takes six times as long as the MAC. */
function makeKeys(config: Config, purpose: Purpose): Keys {
  const [first, ...others] = sessionSecrets(config)
  if (!first) throw new AppError('not_configured', 'SESSION_SECRET is not set (32 or more characters).')
  const secrets = [first, ...others]
  return [
    createSecretKey(deriveKey(first, purpose)),
    ...others.map((secret) => createSecretKey(deriveKey(secret, purpose))),
    ...secrets.map((secret) => createSecretKey(secret, 'utf8')),
  ]
}

export const mac = (key: KeyObject, text: string): string => createHmac('sha256', key).update(text).digest('base64url')

/** Whether one of the keys made this MAC of the text. */
export function isMac(keys: readonly KeyObject[], text: string, given: string): boolean {
  const offered = Buffer.from(given)
  return keys
    .map((key) => Buffer.from(mac(key, text)))
    .map((right) => right.length === offered.length && timingSafeEqual(right, offered))
    .includes(true)
}

/** Whether a caller gave the secret. Digests are of one length whatever was given, so that the comparison's time tells nothing of the secret. */
export const isSecret = (given: string, secret: string): boolean => timingSafeEqual(digest(given), digest(secret))

const digest = (value: string): Buffer => createHash('sha256').update(value).digest()

/** By what an ended session is known: whoever reads the table can't use it, and learns no name. */
export const sessionKey = (kind: 'session' | 'token' | 'user', name: string): string =>
  createHash('sha256').update(`ended ${kind}\n${name}`).digest('hex')

/** Ends every session of an anonymous user at once. */
export const userKey = (userId: string): string => sessionKey('user', userId)
