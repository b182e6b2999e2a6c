import type { Config } from '@netlify/functions'
import { deleteEndpoint } from '../../functions/delete.ts'
import { door } from '../runtime.ts'

export default door(deleteEndpoint)

export const config: Config = {
  path: '/api/delete',
  rateLimit: { windowLimit: 300, windowSize: 60, aggregateBy: ['ip', 'domain'] },
}
