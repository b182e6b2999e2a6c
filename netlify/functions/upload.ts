import type { Config } from '@netlify/functions'
import { upload } from '../../functions/upload.ts'
import { door } from '../runtime.ts'

export default door(upload)

export const config: Config = {
  path: '/api/upload',
  rateLimit: { windowLimit: 120, windowSize: 60, aggregateBy: ['ip', 'domain'] },
}
