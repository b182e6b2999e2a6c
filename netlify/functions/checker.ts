import type { Config } from '@netlify/functions'
import { checker } from '../../functions/checker.ts'
import { door } from '../runtime.ts'

export default door(checker)

export const config: Config = { path: '/api/checker' }
