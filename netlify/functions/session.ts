import type { Config } from '@netlify/functions'
import { session } from '../../functions/session.ts'
import { door } from '../runtime.ts'

export default door(session)

export const config: Config = {
  path: '/api/session',
  rateLimit: { windowLimit: 300, windowSize: 60, aggregateBy: ['ip', 'domain'] },
}
