// The human check before an anonymous session: asked of new visitors alone, and nobody gets in where it doesn't answer.
import { afterEach, expect, test } from 'vitest'
import { session } from '../../functions/session.ts'
import { useTestDeps } from '../setup/deps.ts'
import { serve } from '../setup/serve.ts'

const asked: unknown[] = []
let answer: { status: number; body: string } = { status: 200, body: '{"success":true}' }
const cloudflare = await serve(async (request, response) => {
  asked.push(JSON.parse(Buffer.concat(await request.toArray()).toString()))
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body)
})
const app = await useTestDeps()
const keys = { TURNSTILE_SITE_KEY: 'the-site', TURNSTILE_SECRET_KEY: 'the-secret', TURNSTILE_VERIFY_URL: cloudflare }
const guarded = app.openInstance({ env: keys })
const visit = (body?: object, token?: string) =>
  guarded.call(session, { path: '/api/session', method: 'POST', body, token })

afterEach(() => {
  asked.length = 0
  answer = { status: 200, body: '{"success":true}' }
})

test('without keys nobody is asked', async () => {
  expect((await app.call(session, { path: '/api/session', method: 'POST' })).status).toBe(201)
})

test.each([undefined, {}, { turnstile_token: '' }])(
  'a new visitor who sends %j is told the widget’s key',
  async (body) => {
    const refused = await visit(body)
    expect([refused.status, await refused.json()]).toMatchObject([
      403,
      { code: 'human_check_required', site_key: 'the-site' },
    ])
    expect(asked).toEqual([])
  },
)

test('a good token opens a session, and a known visitor is not asked again', async () => {
  const opened = await visit({ turnstile_token: 'good' })
  expect(opened.status).toBe(201)
  expect(asked).toEqual([{ secret: 'the-secret', response: 'good' }])
  const { token, user_id } = (await opened.json()) as { token: string; user_id: string }
  const again = await visit(undefined, token)
  expect([again.status, ((await again.json()) as { user_id: string }).user_id]).toEqual([201, user_id])
  expect(asked).toHaveLength(1)
})

test('a token that was used, or is none, opens nothing', async () => {
  answer = { status: 200, body: '{"success":false,"error-codes":["timeout-or-duplicate"]}' }
  expect((await visit({ turnstile_token: 'used' })).status).toBe(403)
})

test.each([
  { status: 500, body: 'oops' },
  { status: 200, body: '{}' },
])('where the check answers %j, nobody gets in', async (broken) => {
  answer = broken
  const refused = await visit({ turnstile_token: 'good' })
  expect([refused.status, await refused.json()]).toMatchObject([503, { code: 'unavailable' }])
})
