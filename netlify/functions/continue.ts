import type { Config } from '@netlify/functions'
import { continueEndpoint } from '../../functions/continue.ts'
import { door } from '../runtime.ts'

export default door(continueEndpoint)

export const config: Config = { path: '/api/continue' }
