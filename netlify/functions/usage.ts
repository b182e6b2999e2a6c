import type { Config } from '@netlify/functions'
import { usage } from '../../functions/usage.ts'
import { door } from '../runtime.ts'

export default door(usage)

export const config: Config = { path: '/api/usage' }
