import type { Config } from '@netlify/functions'
import { start } from '../../functions/start.ts'
import { door } from '../runtime.ts'

export default door(start)

export const config: Config = {
  path: '/api/start',
  rateLimit: { windowLimit: 300, windowSize: 60, aggregateBy: ['ip', 'domain'] },
}
