import type { Config } from '@netlify/functions'
import { openapi } from '../../functions/openapi.ts'
import { door } from '../runtime.ts'

export default door(openapi)

export const config: Config = { path: '/api/openapi.json' }
