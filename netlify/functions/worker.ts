import type { Config } from '@netlify/functions'
import { worker } from '../../functions/worker.ts'
import { pingDoor } from '../runtime.ts'

export default pingDoor(worker)

export const config: Config = { path: '/api/worker' }
