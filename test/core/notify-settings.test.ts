// The variables of telling: what belongs together, and which hosts are this machine.
import { expect, test } from 'vitest'
import { isOwnMachine, notifyFaults } from '../../core/notify-settings.ts'
import { isSigningSecret } from '../../core/settings.ts'

const none = { NOTIFY_HOSTS: [], ALLOW_HTTP_CALLBACKS: false }
const secret = `whsec_${Buffer.alloc(24).toString('base64')}`
const vapid = { VAPID_PUBLIC_KEY: 'public', VAPID_PRIVATE_KEY: 'private', VAPID_SUBJECT: 'mailto:ada@example.com' }

test.each([
  [none, []],
  [{ ...none, NOTIFY_URL: 'https://app.example', NOTIFY_SECRET: secret, ...vapid }, []],
  [{ ...none, NOTIFY_URL: 'https://app.example' }, ['NOTIFY_SECRET']],
  [{ ...none, NOTIFY_HOSTS: ['app.example'] }, ['NOTIFY_SECRET']],
  [{ ...none, NOTIFY_URL: 'http://localhost:1', NOTIFY_SECRET: secret }, ['NOTIFY_URL']],
  [{ ...none, NOTIFY_URL: 'http://localhost:1', NOTIFY_SECRET: secret, ALLOW_HTTP_CALLBACKS: true }, []],
  [{ ...none, VAPID_SUBJECT: 'mailto:ada@example.com' }, ['VAPID_PUBLIC_KEY', 'VAPID_PRIVATE_KEY']],
])('of %j, %j is at fault', (settings, names) => {
  expect(notifyFaults(settings).map(([name]) => name)).toEqual(names)
})

test('only a deployment that is all on one machine has receivers there', () => {
  expect(isOwnMachine({ ALLOW_HTTP_CALLBACKS: true }, 'localhost')).toBe(true)
  expect(isOwnMachine({ ALLOW_HTTP_CALLBACKS: true }, 'app.example')).toBe(false)
  expect(isOwnMachine({ ALLOW_HTTP_CALLBACKS: false }, 'localhost')).toBe(false)
})

test.each([
  [secret, true],
  [`${secret} ${secret}`, true],
  ['', false],
  ['whsec_', false],
  [`whsec_${Buffer.alloc(23).toString('base64')}`, false],
  [`whsec_${Buffer.alloc(65).toString('base64')}`, false],
  [`${secret} secret`, false],
])('a signing secret %j: %j', (value, isOne) => {
  expect(isSigningSecret(value)).toBe(isOne)
})
