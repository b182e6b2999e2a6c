// The kinds of settings, each by a variable that is of it: what is taken, and what is said of anything else.
import { expect, test } from 'vitest'
import { parseEnvironment } from '../../core/config.ts'

const read = (env: Record<string, string>) => parseEnvironment(env, {})

test('a variable that takes one of some words is told all of them', () => {
  expect(() => read({ LOG_FORMAT: 'xml' })).toThrow('LOG_FORMAT: must be "json" or "pretty"')
  expect(() => read({ ANONYMOUS_SESSIONS: '1' })).toThrow('ANONYMOUS_SESSIONS: must be "on" or "off"')
})

test('an address is taken without the spaces around it, and without the slashes at its end', () => {
  expect(read({ PUBLIC_URL: ' https://app.test/ ' }).PUBLIC_URL).toBe('https://app.test')
})

test.each(['https://app.test/a b', 'https:app.test', 'https://app.test\n.other.test', 'https://', 'app.test'])(
  'what is no address is told what one looks like: %j',
  (wrong) => expect(() => read({ PUBLIC_URL: wrong })).toThrow('PUBLIC_URL: must be an address such as https://'),
)

test('an address for events is as long as one that a task brings may be', () => {
  const NOTIFY_SECRET = `whsec_${Buffer.alloc(24).toString('base64')}`
  const of = (length: number) => ({ NOTIFY_SECRET, NOTIFY_URL: 'https://app.test/'.padEnd(length, 'a') })
  expect(read(of(2_000)).NOTIFY_URL).toHaveLength(2_000)
  expect(() => read(of(2_001))).toThrow('NOTIFY_URL: must have 2000 characters at most')
})

test.each(['1.0', '1e3', ' 7 '])('a whole number may be written as %j', (written) => {
  expect(read({ PASS_BATCH: written }).PASS_BATCH).toBe(Number(written))
})

test.each([
  ['S3_BUCKET', 'a bucket', 'photos'],
  ['VAPID_SUBJECT', 'ada@app.test', 'mailto:ada@app.test'],
  ['TELEGRAM_BOT_TOKEN', 'ABC', '123456:ABC-def'],
  ['TELEGRAM_WEBHOOK_SECRET', 'short', 'sixteen-and-more_'],
])('%s has a form, and %s is not of it', (name, wrong, right) => {
  expect(() => read({ [name]: wrong })).toThrow(`${name}: must be `)
  const others = {
    STORAGE: 'netlify',
    VAPID_PUBLIC_KEY: 'public',
    VAPID_PRIVATE_KEY: 'private',
    VAPID_SUBJECT: 'mailto:ada@app.test',
  }
  expect(read({ ...others, [name]: right })).toMatchObject({ [name]: right })
})

test('a variable that is wrong in two ways is named once', () => {
  expect(() => read({ ALERT_URL: 'ftp://ada:secret@app.test' })).toThrow(/^Wrong environment:\n {2}ALERT_URL: [^\n]+$/)
})

test('a fault of ours in reading a variable is not told as a wrong variable', () => {
  const broken = () => {
    throw new TypeError('ours')
  }
  expect(() => parseEnvironment({}, { BROKEN: broken })).toThrow(TypeError)
})
