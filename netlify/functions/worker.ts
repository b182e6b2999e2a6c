import type { Config } from '@netlify/functions'
import { worker } from '../../functions/worker.ts'
import { door } from '../runtime.ts'

export default door(worker)

export const config: Config = { path: '/api/worker' }
