import type { Config } from '@netlify/functions'
import { recover } from '../../functions/recover.ts'
import { door } from '../runtime.ts'

export default door(recover)

export const config: Config = { path: '/api/recover' }
