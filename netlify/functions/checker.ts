import type { Config } from '@netlify/functions'
import { checker } from '../../functions/checker.ts'
import { pingDoor } from '../runtime.ts'

export default pingDoor(checker)

export const config: Config = { path: '/api/checker' }
