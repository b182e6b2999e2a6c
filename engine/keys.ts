// One key for each purpose, derived from the deployment's secrets (HKDF-SHA256), so that what is signed for one can never pass for another.
// Sessions, signed links, webhook addresses and alerts take their keys here.
import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { type Config, sessionSecrets } from '../core/config.ts'
import { AppError } from '../core/errors.ts'

export type Purpose = 'session' | 'result link' | 'webhook address' | 'alert' | 'erasure'

/** Derived once a process, not for every link. */
const derived = new Map<string, Buffer>()

export function deriveKey(secret: string, purpose: Purpose): Buffer {
  const name = `${purpose}\n${secret}`
  const key = derived.get(name) ?? Buffer.from(hkdfSync('sha256', secret, '', `stepgate ${purpose}`, 32))
  derived.set(name, key)
  return key
}

/**
 * The keys of SESSION_SECRET: the first signs, all are accepted. The secrets themselves stand last: earlier versions signed with them, and
 * their sessions, links and addresses live on until they end. Each text names its purpose, so that this mixes none up.
 */
export function keysOf(config: Config, purpose: Purpose): [Buffer, ...Buffer[]] {
  const [first, ...others] = sessionSecrets(config)
  if (!first) throw new AppError('not_configured', 'SESSION_SECRET is not set (32 or more characters).')
  const secrets = [first, ...others]
  return [
    deriveKey(first, purpose),
    ...others.map((secret) => deriveKey(secret, purpose)),
    ...secrets.map((secret) => Buffer.from(secret)),
  ]
}

export const mac = (key: Buffer, text: string): string => createHmac('sha256', key).update(text).digest('base64url')

/** Whether one of the keys made this MAC of the text. */
export function isMac(keys: readonly Buffer[], text: string, given: string): boolean {
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
