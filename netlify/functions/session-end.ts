import type { Config } from '@netlify/functions'
import { sessionEnd } from '../../functions/session-end.ts'
import { door } from '../runtime.ts'

export default door(sessionEnd)

export const config: Config = {
  path: '/api/session/end',
  rateLimit: { windowLimit: 300, windowSize: 60, aggregateBy: ['ip', 'domain'] },
}
