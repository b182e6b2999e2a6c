import type { Config } from '@netlify/functions'
import { share } from '../../functions/share.ts'
import { door } from '../runtime.ts'

export default door(share)

export const config: Config = {
  path: '/api/share',
  rateLimit: { windowLimit: 600, windowSize: 60, aggregateBy: ['ip', 'domain'] },
}
