// What settings allow together, and work that takes longer than it may.
import { expect, test } from 'vitest'
import { answerBytes, isHttps } from '../../core/config.ts'
import { withDeadline } from '../../core/deadline.ts'
import { parseConfig } from '../../providers/config.ts'

const provider = { AUTH_ISSUER: 'https://id.example', AUTH_AUDIENCE: 'any' }

test('an identity provider needs its keys by https, its issuer and its audience', () => {
  expect(() => parseConfig({ AUTH_JWKS_URL: 'https://id.example/keys', AUTH_ISSUER: 'x' })).toThrow('AUTH_AUDIENCE')
  expect(() => parseConfig({ AUTH_JWKS_URL: 'https://id.example/keys', AUTH_AUDIENCE: 'x' })).toThrow('AUTH_ISSUER')
  expect(() => parseConfig({ AUTH_JWKS_URL: 'http://id.example/keys', ...provider })).toThrow('AUTH_JWKS_URL')
  expect(parseConfig({ AUTH_JWKS_URL: 'http://localhost:9/keys', ...provider }).AUTH_AUDIENCE).toBe('any')
  expect(() => parseConfig({ AUTH_ISSUER: 'https://id.example' })).toThrow('AUTH_JWKS_URL')
})

test('a human check needs both of its keys', () => {
  expect(() => parseConfig({ TURNSTILE_SITE_KEY: 'site' })).toThrow('TURNSTILE_SECRET_KEY')
  expect(() => parseConfig({ TURNSTILE_SECRET_KEY: 'secret' })).toThrow('TURNSTILE_SITE_KEY')
})

test('a deployment is reached over https where its public address says so', () => {
  const urls = ['https://stepgate.example', 'http://stepgate.example', undefined]
  expect(urls.map((PUBLIC_URL) => isHttps({ PUBLIC_URL }))).toEqual([true, false, false])
})

test('one answer carries as many bytes as the platform allows, or any number', () => {
  expect(answerBytes(parseConfig({ ANSWER_LIMIT_MB: '16' }))).toBe(16 * 1024 * 1024)
  expect(answerBytes(parseConfig({}))).toBeUndefined()
})

test('work that does not heed its signal is given up at its deadline', async () => {
  await expect(withDeadline(1, () => new Promise(() => undefined))).rejects.toThrow('Longer than 1 ms')
})
