// Standard Webhooks signatures, as Replicate makes them.
import { expect, test } from 'vitest'
import { openHttp } from '../../providers/http.ts'
import { openReplicate } from '../../providers/replicate/provider.ts'
import { verifySignature } from '../../providers/signature.ts'
import { sign } from '../../simulator/replicate/signature.ts'

const secret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'
const other = 'whsec_bm90IHRoZSByaWdodCBzZWNyZXQ='
const id = 'msg_test_1'
const timestampSeconds = 1_700_000_000
const body = '{"id":"gm3qorzdhgbfurvjtvhg6dckhu","status":"succeeded"}'
/** The documented test vector. */
const documented = 'v1,9JNzuoAEq/T6wr4R4UBFU6BEAeNRionno5zA1fFr4pc='
const now = (offsetSeconds = 0) => new Date((timestampSeconds + offsetSeconds) * 1000)

const headersOf = (more: Record<string, string | undefined> = {}) => {
  const all = {
    'webhook-id': id,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': documented,
    ...more,
  }
  return new Headers(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
const verify = (headers: Headers, given = { body, secrets: secret, at: now() }) =>
  verifySignature(headers, given.body, given.secrets, given.at)
const refusal = expect.objectContaining({ code: 'bad_signature', status: 401 })

test('accepts the documented vector', () => {
  expect(() => verify(headersOf())).not.toThrow()
})

test.each([0, 1, 299, 300, -299, -300])('accepts a timestamp that is %i s from now', (offset) => {
  expect(() => verify(headersOf(), { body, secrets: secret, at: now(offset) })).not.toThrow()
})

test.each([301, 3_600, -301, -86_400])('refuses a timestamp that is %i s from now', (offset) => {
  expect(() => verify(headersOf(), { body, secrets: secret, at: now(offset) })).toThrow(refusal)
})

test.each(['', 'soon', '1700000000x', 'NaN', 'Infinity', '-1'])('refuses the timestamp %j', (timestamp) => {
  const signature = sign({ secret, id, timestampSeconds: Number.NaN, body })
  const headers = headersOf({ 'webhook-timestamp': timestamp, 'webhook-signature': signature })
  expect(() => verify(headers)).toThrow(refusal)
})

test.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])('refuses a call without %s', (name) => {
  expect(() => verify(headersOf({ [name]: undefined }))).toThrow(refusal)
})

test.each([`${secret} `, ` ${secret}`, `${other}  ${secret}`, `${other}\n${secret}`])(
  'a space too many beside the secrets is no secret: %j',
  (secrets) => {
    expect(() => verify(headersOf(), { body, secrets, at: now() })).not.toThrow()
    const forged = sign({ secret: '', id, timestampSeconds, body })
    const headers = headersOf({ 'webhook-signature': forged })
    expect(() => verify(headers, { body, secrets, at: now() })).toThrow(refusal)
  },
)

test.each([
  ['one byte changed', body.replace('succeeded', 'succeedee')],
  ['a space more', `${body} `],
  ['the same JSON written differently', JSON.stringify(JSON.parse(body), null, 1)],
  ['nothing', ''],
])('refuses a body with %s', (_name, changed) => {
  expect(() => verify(headersOf(), { body: changed, secrets: secret, at: now() })).toThrow(refusal)
})

test('refuses the signature under another id or timestamp, though both are plausible', () => {
  expect(() => verify(headersOf({ 'webhook-id': 'msg_test_2' }))).toThrow(refusal)
  expect(() => verify(headersOf({ 'webhook-timestamp': String(timestampSeconds + 1) }))).toThrow(refusal)
})

test.each([
  '',
  'v1,',
  'v1',
  documented.slice(3),
  `v2,${documented.slice(3)}`,
  `v1a,${documented.slice(3)}`,
  documented.slice(0, -4),
])('refuses the signature %j', (signature) => {
  expect(() => verify(headersOf({ 'webhook-signature': signature }))).toThrow(refusal)
})

test('accepts any of several offered signatures', () => {
  const wrong = sign({ secret: other, id, timestampSeconds, body })
  for (const offered of [`${wrong} ${documented}`, `${documented} ${wrong}`, `v1a,xyz ${wrong} ${documented}`])
    expect(() => verify(headersOf({ 'webhook-signature': offered }))).not.toThrow()
  expect(() => verify(headersOf({ 'webhook-signature': `${wrong} ${wrong}` }))).toThrow(refusal)
})

test('accepts both secrets while one is rotated, and only the new one after it', () => {
  const renewed = headersOf({ 'webhook-signature': sign({ secret: other, id, timestampSeconds, body }) })
  for (const secrets of [`${secret} ${other}`, `${other} ${secret}`]) {
    for (const headers of [headersOf(), renewed])
      expect(() => verify(headers, { body, secrets, at: now() })).not.toThrow()
  }
  expect(() => verify(headersOf(), { body, secrets: other, at: now() })).toThrow(refusal)
})

test('reads a signed webhook as a look at its prediction', async () => {
  const http = openHttp({ connections: 1 })
  const replicate = openReplicate({
    ...{ http, token: 'r8_x', baseUrl: 'http://127.0.0.1:9/v1', submitTimeoutMs: 1_000, checkTimeoutMs: 1_000 },
    webhookSecret: secret,
  })
  const report = await replicate.readWebhook(headersOf(), body, now())
  expect(report).toMatchObject({ prediction_id: 'gm3qorzdhgbfurvjtvhg6dckhu', observation: { kind: 'succeeded' } })
  await expect(replicate.readWebhook(headersOf(), `${body} `, now())).rejects.toThrow(refusal)
  await http.close()
})
