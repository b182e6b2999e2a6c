// The calls with which contract.test.ts asks the bot's door, and to be told in a chat or by the browser.
import { type Ask, ask, evil, ofBody, post } from './contract-calls.ts'

const tooLarge = 'x'.repeat(6 * 1024 * 1024 + 1)
const secretToken = { 'x-telegram-bot-api-secret-token': 'webhook_secret_of_a_test' }
const telegram: Ask[] = [
  ask('post /api/telegram', 200, () => post('/api/telegram', { update_id: 1 }, secretToken)),
  ask('post /api/telegram', 400, () => post('/api/telegram', '{', secretToken), { code: 'invalid_json' }),
  ask('post /api/telegram', 400, () => post('/api/telegram', {}, secretToken), { code: 'invalid_request' }),
  ask('post /api/telegram', 401, () => post('/api/telegram', { update_id: 1 }), { code: 'bad_signature' }),
  ask('post /api/telegram', 413, () => post('/api/telegram', tooLarge, secretToken), { code: 'body_too_large' }),
  ask('post /api/telegram', 403, () => post('/api/telegram', {}, { ...secretToken, ...evil }), {
    ...{ code: 'origin_not_allowed', isAnonymous: true },
  }),
  ask('get /api/telegram-link', 200, () => ({ path: '/api/telegram-link' })),
  ask('post /api/telegram-link', 201, () => post('/api/telegram-link', {})),
  ask('post /api/telegram-link', 200, () => post('/api/telegram-link', { remove: true })),
  ...ofBody('post /api/telegram-link'),
]

const subscription = {
  endpoint: 'https://fcm.googleapis.com/fcm/send/of-a-test',
  keys: { p256dh: Buffer.alloc(65, 4).toString('base64url'), auth: Buffer.alloc(16).toString('base64url') },
}
const told: Ask[] = [
  ask('get /api/push', 200, () => ({ path: '/api/push' })),
  ask('post /api/push', 201, () => post('/api/push', subscription)),
  ask('post /api/push', 200, () => post('/api/push', { endpoint: subscription.endpoint, remove: true })),
  ...ofBody('post /api/push'),
]

export const telling: readonly Ask[] = [...telegram, ...told]
