// GET|POST /api/checker: checks what is due (and submits what is due: either of worker and checker alone is enough).

import type { PingEndpoint } from '../engine/deps.ts'
import { requireCron } from './http/cron-secret.ts'
import { ping, predictions } from './http/ping.ts'
import { json, requireMethod } from './http/request.ts'

export const checker: PingEndpoint = async (request, deps, context) => {
  requireMethod(request, 'GET', 'POST', 'HEAD')
  requireCron(request, deps)
  const { checked, completed, waiting, failed, idle, duration_ms } = await ping(deps, context, { by: 'checker' })
  return json({ message: `Checked ${predictions(checked)}`, checked, completed, waiting, failed, idle, duration_ms })
}
