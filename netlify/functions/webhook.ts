import type { Config } from '@netlify/functions'
import { webhook } from '../../functions/webhook.ts'
import { door } from '../runtime.ts'

export default door(webhook)

export const config: Config = { path: '/api/webhook/:provider' }
