// GET|POST /api/recover, hourly if at all. It is a ping that looks even when the wake mark says that there is nothing: whatever is overdue
// re-enters the ordinary path. It also sweeps, whether an hour has gone by or not: uploads of the day before, inputs without a task, and finished
// tasks that are older than the deployment keeps them.
import { endsWithin } from '../core/deadline.ts'
import type { Endpoint } from '../engine/deps.ts'
import { raiseAnyway } from '../engine/journal.ts'
import { sweepStored } from '../engine/sweep.ts'
import { sweepUploads } from '../engine/sweep-uploads.ts'
import { requireCron } from './http/cron-secret.ts'
import { ping } from './http/ping.ts'
import { json, requireMethod } from './http/request.ts'

/** Together with a ping's patience less than a monitor's; what takes longer goes on after the answer, uncounted. */
const sweepMs = 24_000
const raiseMs = 1_000

export const recover: Endpoint = async (request, deps, context) => {
  requireMethod(request, 'GET', 'POST', 'HEAD')
  requireCron(request, deps)
  const pinged = ping(deps, context, { by: 'recover', evenIfIdle: true })
  const sweeps = Promise.all([sweepUploads(deps), sweepStored(deps)])
  context.waitUntil(sweeps)
  const [{ nextDueAt: _, ...counts }, isSwept] = await Promise.all([pinged, endsWithin(sweepMs, sweeps, deps.wait)])
  const [uploads_deleted, { tasks, orphans }] = isSwept ? await sweeps : [0, { tasks: 0, orphans: 0 }]
  // What had been slept over was begun to be moved; pings go on with it.
  if (!counts.idle) {
    const raised = raiseAnyway(deps)
    context.waitUntil(raised)
    await endsWithin(raiseMs, raised, deps.wait)
  }
  const moved = counts.submitted + counts.checked
  return json({
    message: `Picked up ${moved} overdue task${moved === 1 ? '' : 's'}`,
    ...counts,
    uploads_deleted,
    tasks_deleted: tasks,
    orphans_deleted: orphans,
  })
}
