import type { Config } from '@netlify/functions'
import { tasks } from '../../functions/tasks.ts'
import { door } from '../runtime.ts'

export default door(tasks)

export const config: Config = { path: '/api/tasks' }
