import type { Config } from '@netlify/functions'
import { telegram } from '../../functions/telegram.ts'
import { door } from '../runtime.ts'

export default door(telegram)

export const config: Config = { path: '/api/telegram' }
