// The kinds of settings that an environment holds, each as what it is read into, or a sentence about what would be right. core/config.ts and the
// providers' own variables are made of them.
import * as z from 'zod'
import { microsOf } from './price.ts'

/** A setting that is present but empty (`FOO=`) counts as absent: that is how dashboards and .env files write "none". */
export const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema)
export const text = optional(z.string().optional())
export const count = (fallback: number, max: number) =>
  optional(z.coerce.number().int().min(1).max(max).default(fallback))
export const cap = optional(z.coerce.number().int().min(1).optional())
export const url = (fallback: string) =>
  optional(z.url({ protocol: /^https?$/ }).default(fallback)).transform(trimSlash)
export const list = optional(z.string().default('')).transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
)
/** Dollars a day as millionths; null: no ceiling. */
export const budget = (fallback: string) =>
  optional(
    z
      .string()
      .regex(/^(off|\d{1,6}(\.\d{1,6})?)$/, 'must be dollars such as 10 or 0.0375, or off')
      .default(fallback),
  ).transform((value) => (value === 'off' ? null : microsOf(Number(value))))
/** Paths are ours to make: an endpoint names a server, perhaps with a folder before all buckets. */
export const storeAddress = optional(z.url({ protocol: /^https?$/ }).optional()).transform(
  (value) => value && trimSlash(value),
)
export const flag = optional(z.enum(['0', '1']).default('0')).transform((value) => value === '1')

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

export const isHostname = (host: string): boolean => URL.parse(`https://${host}`)?.hostname === host

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

export function trimSlash(value: string): string {
  return value.replace(/\/+$/, '')
}
