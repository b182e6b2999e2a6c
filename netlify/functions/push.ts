import type { Config } from '@netlify/functions'
import { push } from '../../functions/push.ts'
import { door } from '../runtime.ts'

export default door(push)

export const config: Config = {
  path: '/api/push',
  rateLimit: { windowLimit: 120, windowSize: 60, aggregateBy: ['ip', 'domain'] },
}
