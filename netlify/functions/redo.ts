import type { Config } from '@netlify/functions'
import { redo } from '../../functions/redo.ts'
import { door } from '../runtime.ts'

export default door(redo)

export const config: Config = {
  path: '/api/redo',
  rateLimit: { windowLimit: 300, windowSize: 60, aggregateBy: ['ip', 'domain'] },
}
