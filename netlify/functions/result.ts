import type { Config } from '@netlify/functions'
import { result } from '../../functions/result.ts'
import { door } from '../runtime.ts'

export default door(result)

export const config: Config = { path: '/api/result' }
