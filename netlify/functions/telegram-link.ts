import type { Config } from '@netlify/functions'
import { telegramLink } from '../../functions/telegram-link.ts'
import { door } from '../runtime.ts'

export default door(telegramLink)

export const config: Config = {
  path: '/api/telegram-link',
  rateLimit: { windowLimit: 60, windowSize: 60, aggregateBy: ['ip', 'domain'] },
}
