import type { Config } from '@netlify/functions'
import { tick } from '../../functions/tick.ts'
import { pingDoor } from '../runtime.ts'

export default pingDoor(tick)

export const config: Config = { schedule: '* * * * *' }
