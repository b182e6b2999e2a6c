// Erased is erased: of what a person deleted nothing is left in table and store, and what ran for it was stopped.
import { attemptOf } from './providers.ts'
import type { World } from './world.ts'

/** Asked when everything is at rest. Of a request that had no answer, all is gone or nothing. */
export async function erasedIsErased(world: World): Promise<string[]> {
  const { erased, pool, blobs, providers, witness, trouble } = world
  if (erased.size === 0) return []
  const ids = [...erased.keys()]
  const { rows } = await pool.query<{ id: string; user_id: string }>(
    'select id, user_id from tasks where id = any($1)',
    [ids],
  )
  const standing = new Set(rows.filter(({ user_id }) => user_id !== 'erased').map(({ id }) => id))
  const gone = ids.filter((id) => erased.get(id) === 'gone' || !standing.has(id))
  const left = await pool.query<{ id: string; name: string }>(
    `select id, 'tasks' as name from tasks where id = any($1) union all select task_id, 'task_events' from task_events where task_id = any($1)
      union all select task_id, 'outbox' from outbox where task_id = any($1) union all select id, 'erasures' from erasures`,
    [gone],
  )
  // A prediction that the ledger knows was heard of before its task went, and was canceled.
  const { rows: heard } = await pool.query<{ id: string }>(
    'select prediction_id as id from ledger where prediction_id is not null',
  )
  const known = new Set(heard.map(({ id }) => id))
  const running = providers.predictions().filter((prediction) => {
    const task = attemptOf(witness.attempts, prediction)?.task ?? ''
    return (
      gone.includes(task) &&
      prediction.status === 'running' &&
      known.has(prediction.id) &&
      trouble.keyless !== prediction.provider
    )
  })
  return [
    ...left.rows.map(({ id, name }) => `erased: ${id} is still in ${name}`),
    ...gone.flatMap((id) =>
      [...blobs.keys()].filter((key) => key.includes(`/${id}/`)).map((key) => `erased: ${key} is still there`),
    ),
    ...running.map(({ id }) => `erased: prediction ${id} runs on`),
  ]
}
