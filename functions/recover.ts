// GET|POST /api/recover: the hourly sweep. It owns no logic: it looks even when the wake mark says that there is nothing,
// and whatever is overdue re-enters the ordinary path.
import { requireCron } from './cron.ts'
import type { Room } from './deps.ts'
import { json, requireMethod } from './http.ts'
import { ping } from './ping.ts'

export const recover: Room = async (request, deps, context) => {
  requireMethod(request, 'GET', 'POST', 'HEAD')
  requireCron(request, deps)
  await deps.wake.raise()
  const { nextDueAt: _, ...counts } = await ping(deps, context, { look: true })
  const moved = counts.submitted + counts.checked
  return json({ message: `Picked up ${moved} overdue task${moved === 1 ? '' : 's'}`, ...counts })
}
