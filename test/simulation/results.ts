// Downloads results the way people do, through the result endpoint, and looks whether they are what the provider made for that attempt.

import type { TaskView } from '../../core/answers.ts'
import type { Task } from '../../core/task.ts'
import { openSession } from '../../functions/http/users.ts'
import { result } from '../../functions/result.ts'
import { publicUrl } from './weather.ts'
import type { World } from './world.ts'

interface Owner {
  name: string
  token: string
}

/** Some shown step's result, in the midst of faults: it may not come now, but it must be there until the person has asked for its deletion. */
export async function downloadShown(world: World, owner: Owner, view: TaskView): Promise<void> {
  const shown = view.steps.flatMap(({ files }) => files.map(({ url }) => url))
  if (shown.length === 0) return
  const path = world.random.pick(shown)
  await download(world, owner, path, async (response) => {
    const mayBeGone = world.trouble.store === 'forgets' || world.erased.has(view.task_id)
    if (response.status !== 404 || mayBeGone) return
    world.witness.broken.push(`result before status: ${path} was shown to ${owner.name} and is not found`)
  })
}

/** Every result of a task, earlier attempts' included. Gives what is wrong with them. */
export async function faultsOfResults(world: World, task: Task): Promise<string[]> {
  const faults: string[] = []
  // Anew: the clock may have left an earlier session behind.
  const { token } = await openSession(world.outside.deps, task.user_id)
  const owner = { name: task.user_id, token }
  const attempts = task.steps.flatMap((step) => [step, ...(step.past ?? [])])
  for (const { status, step, attempt, prediction_id, files = [] } of attempts) {
    if (status !== 'completed') continue
    for (const file of files.keys()) {
      const path = `/api/result?task_id=${task.id}&step=${step}&attempt=${attempt}&file=${file + 1}`
      let isRight = false
      await download(world, owner, path, async (response) => {
        const owner = Buffer.from(JSON.stringify({ made_by: prediction_id }))
        const bytes = await response.bytes()
        isRight = response.ok && owner.equals(bytes.subarray(-owner.length))
      })
      while (await world.scheduler.step());
      if (!isRight) faults.push(`result before status: ${path} is shown done and is not what ${prediction_id} made`)
    }
  }
  return faults
}

async function download(
  world: World,
  { name, token }: Owner,
  path: string,
  heard: (response: Response) => Promise<void>,
): Promise<void> {
  const request = new Request(publicUrl + path, { headers: { authorization: `Bearer ${token}` } })
  await world.call(`${name} downloads`, result, request, heard)
}
