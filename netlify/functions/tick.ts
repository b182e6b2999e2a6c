import type { Config } from '@netlify/functions'
import { tick } from '../../functions/tick.ts'
import { door } from '../runtime.ts'

export default door(tick)

export const config: Config = { schedule: '* * * * *' }
