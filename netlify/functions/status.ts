import type { Config } from '@netlify/functions'
import { status } from '../../functions/status.ts'
import { door } from '../runtime.ts'

export default door(status)

export const config: Config = { path: '/api/status' }
