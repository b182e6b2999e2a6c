// GET|POST /api/worker: submits what is due (and checks what is due: either of worker and checker alone is enough).

import type { PingEndpoint } from '../engine/deps.ts'
import { requireCron } from './http/cron-secret.ts'
import { ping, predictions } from './http/ping.ts'
import { json, requireMethod } from './http/request.ts'

export const worker: PingEndpoint = async (request, deps, context) => {
  requireMethod(request, 'GET', 'POST', 'HEAD')
  requireCron(request, deps)
  const { submitted, rejected, unconfirmed, idle, duration_ms } = await ping(deps, context, { by: 'worker' })
  return json({ message: `Submitted ${predictions(submitted)}`, submitted, rejected, unconfirmed, idle, duration_ms })
}
