import type { Config } from '@netlify/functions'
import { choose } from '../../functions/choose.ts'
import { door } from '../runtime.ts'

export default door(choose)

export const config: Config = { path: '/api/choose' }
