import type { Config } from '@netlify/functions'
import { cancel } from '../../functions/cancel.ts'
import { door } from '../runtime.ts'

export default door(cancel)

export const config: Config = { path: '/api/cancel' }
