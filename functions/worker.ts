// GET|POST /api/worker: submits what is due (and checks what is due: either of worker and checker alone is enough).
import { requireCron } from './cron.ts'
import type { PingRoom } from './deps.ts'
import { json, requireMethod } from './http.ts'
import { ping, plural } from './ping.ts'

export const worker: PingRoom = async (request, deps, context) => {
  requireMethod(request, 'GET', 'POST', 'HEAD')
  requireCron(request, deps)
  const { submitted, rejected, unconfirmed, idle, duration_ms } = await ping(deps, context, { by: 'worker' })
  return json({ message: `Submitted ${plural(submitted)}`, submitted, rejected, unconfirmed, idle, duration_ms })
}
