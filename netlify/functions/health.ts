import type { Config } from '@netlify/functions'
import { health } from '../../functions/health.ts'
import { door } from '../runtime.ts'

export default door(health)

export const config: Config = {
  path: '/api/health',
  rateLimit: { windowLimit: 600, windowSize: 60, aggregateBy: ['ip', 'domain'] },
}
