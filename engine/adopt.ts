// Gives what a browser made before its person signed in to their account: tasks, counters, uploads. Every request that carries both an
// identity provider's token and a session of ours asks for it; the first one moves all, and the session is over then.
import { withDeadline } from '../core/deadline.ts'
import { archiveType, imageTypes, maxStoredBytes } from '../core/upload.ts'
import { DatabaseError } from '../db/driver/errors.ts'
import { adoptTasks, type EndedSession, isEnded } from '../db/statements/sessions.ts'
import type { Deps } from './deps.ts'
import { userKey } from './keys.ts'
import { moveUploads } from './uploads.ts'

/** Sessions that this container has seen adopted: a page that polls sends both with every request. */
const adopted = new Set<string>()
const mostAdopted = 1_000
/** For the uploads of a day, of a few megabytes each. */
const uploadsMs = 8_000
const types = [...imageTypes, archiveType]

interface Anonymous {
  user_id: string
  session: readonly string[]
  until: Date
}

export async function adopt(deps: Deps, { user_id: from, session, until }: Anonymous, to: string): Promise<void> {
  const name = `${session[0]} ${to}`
  if (adopted.has(name)) return
  if (adopted.size >= mostAdopted) adopted.clear()
  // Whoever found the token of a session that was ended gets nothing by it.
  if (await isEnded(deps.db, session, { now: deps.now?.() })) return void adopted.add(name)
  // First, because they are found by the session's user alone; who dies between finds all that is left with the next request.
  await withDeadline(uploadsMs, (signal) =>
    moveUploads(deps, { from, to, options: { accept: types, maxBytes: maxStoredBytes, signal } }),
  ).catch((error) =>
    deps.log.warn({ err: error }, 'uploads of before the sign-in stay behind, and are deleted after a day'),
  )
  const tasks = await adoptAll(deps, from, to, [{ key: userKey(from), until }])
  if (tasks > 0) deps.log.info({ tasks }, 'adopted at sign-in')
  adopted.add(name)
}

/** A start of this moment may take the lock that an adopted task was to have: the next try sees it. */
async function adoptAll({ db }: Deps, from: string, to: string, ended: readonly EndedSession[]): Promise<number> {
  try {
    return await adoptTasks(db, { from, to, ended })
  } catch (error) {
    if (!(error instanceof DatabaseError) || !['tasks_lock', 'tasks_idempotency'].includes(error.constraint ?? ''))
      throw error
    return adoptTasks(db, { from, to, ended })
  }
}
