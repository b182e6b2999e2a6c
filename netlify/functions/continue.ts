import type { Config } from '@netlify/functions'
import { continueRoom } from '../../functions/continue.ts'
import { door } from '../runtime.ts'

export default door(continueRoom)

export const config: Config = { path: '/api/continue' }
