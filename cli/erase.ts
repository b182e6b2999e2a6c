// The operator's command that erases a task, or all that a user has, as the delete endpoint does. cli/tasks.ts calls it.
import { listErasable } from '../db/statements/erase.ts'
import { countErasures } from '../db/statements/erasures.ts'
import { readStory } from '../db/statements/overview.ts'
import type { Deps } from '../engine/deps.ts'
import { eraseTask, eraseUser, type Receipt } from '../engine/erase.ts'
import { raiseAnyway } from '../engine/journal.ts'
import { userKey } from '../engine/keys.ts'
import type { Of } from './arguments.ts'
import { withDeployment } from './open.ts'

/** Nobody waits for an answer here. */
const patienceMs = 10 * 60_000
/** No token lives longer. */
const sessionMs = 30 * 24 * 3_600_000

export async function erase({ task, user, isJson }: Of<'erase'>): Promise<string> {
  return withDeployment(async ({ deps }) => {
    // As the endpoint does: what the store doesn't let go now is noted, whether it answers or not.
    await raiseAnyway(deps)
    const receipt = task ? await eraseOne(deps, task) : await eraseAll(deps, user ?? '')
    const left = await countErasures(deps.db)
    const at = new Date().toISOString()
    if (isJson) return JSON.stringify({ ...receipt, at, left }, null, 2)
    const { tasks, uploads } = receipt.deleted
    const what = `Deleted ${counted(tasks, 'task')} and ${counted(uploads, 'upload')} at ${at}.`
    if (receipt.erased) return `${what} Nothing of it is left here.`
    return `${what} The rest is noted: passes finish it (${left} to go), when the provider has ended or nobody can be writing any more.`
  })
}

async function eraseOne(deps: Deps, id: string): Promise<Receipt> {
  const story = await readStory(deps.db, id)
  const receipt = story && (await eraseTask(deps, story.task, performance.now() + patienceMs))
  if (!receipt) throw new Error(`There is no task ${id}.`)
  return receipt
}

async function eraseAll(deps: Deps, user_id: string): Promise<Receipt> {
  const ended = [{ key: userKey(user_id), until: new Date(Date.now() + sessionMs) }]
  const [task] = await listErasable(deps.db, { user_id, limit: 1 })
  const receipt = await eraseUser(deps, user_id, ended, performance.now() + patienceMs)
  if (!task && receipt.deleted.uploads === 0)
    throw new Error(
      `There is nothing of a user ${user_id} (an identity provider's is auth: and the token's sub; list shows whose tasks there are).`,
    )
  return receipt
}

const counted = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`
