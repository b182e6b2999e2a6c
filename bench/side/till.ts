// What the provider was asked to make, and when each was over: the measure of right and wrong for all engines alike.
// The provider writes it; the client waits for its ends, and at last has it checked.

interface Made {
  creates: number
  createdAt: number
  endedAt: number | undefined
}

export interface Till {
  created(task: string, step: number): void
  ended(task: string, step: number): void
  /** Resolves when the step's prediction is over, with the instant at which it was. */
  untilEnded(task: string, step: number): Promise<number>
  /** The person has seen the gate and opens it now. */
  opened(task: string, step: number): void
  /** Throws unless every task was paid for exactly once a step, and no step was begun before its gate was opened. */
  check(tasks: readonly string[], steps: number): void
}

export function openTill(): Till {
  const made = new Map<string, Made>()
  const opened = new Map<string, number>()
  const waiting = new Map<string, PromiseWithResolvers<number>>()
  const keyOf = (task: string, step: number) => `${task} ${step}`
  return {
    created: (task, step) => {
      const known = made.get(keyOf(task, step))
      if (known) known.creates += 1
      else made.set(keyOf(task, step), { creates: 1, createdAt: performance.now(), endedAt: undefined })
    },
    ended: (task, step) => {
      const key = keyOf(task, step)
      const known = made.get(key)
      if (!known || known.endedAt !== undefined) return
      known.endedAt = performance.now()
      waiting.get(key)?.resolve(known.endedAt)
      waiting.delete(key)
    },
    untilEnded: async (task, step) => {
      const key = keyOf(task, step)
      const known = made.get(key)?.endedAt
      if (known !== undefined) return known
      const wait = waiting.get(key) ?? Promise.withResolvers<number>()
      waiting.set(key, wait)
      return wait.promise
    },
    opened: (task, step) => {
      opened.set(keyOf(task, step), performance.now())
    },
    check: (tasks, steps) => {
      for (const task of tasks) {
        for (let step = 1; step <= steps; step += 1) {
          const { creates = 0, createdAt = 0 } = made.get(keyOf(task, step)) ?? {}
          if (creates !== 1) throw new Error(`step ${step} of task ${task} was paid for ${creates} times`)
          const gate = step === 1 ? 0 : (opened.get(keyOf(task, step - 1)) ?? Number.POSITIVE_INFINITY)
          if (createdAt < gate) throw new Error(`step ${step} of task ${task} was begun before its gate was opened`)
        }
      }
      if (made.size !== tasks.length * steps) throw new Error(`${made.size} predictions for ${tasks.length} tasks`)
    },
  }
}
