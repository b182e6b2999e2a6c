// The product in a fresh process, as a function container is, so that its memory and its processor time are the product's alone.
import { fork } from 'node:child_process'
import { once } from 'node:events'

export interface Call {
  endpoint: 'worker' | 'checker'
  /** Collect garbage after it, before memory is read. */
  collect?: boolean
}

export interface Called {
  status: number
  body: Record<string, unknown>
  /** Until the answer, and until what goes on after it was over. */
  answered_ms: number
  ms: number
  cpu_ms: number
  /** Before garbage was collected, and after it where that was asked for. */
  fullest_rss: number
  rss: number
}

export interface Container {
  call(call: Call): Promise<Called>
  close(): Promise<void>
}

/** What V8 gives itself in a function with a gigabyte of memory: on a larger machine it would let more garbage lie. */
const heapMb = 512

export async function openContainer(env: Record<string, string>): Promise<Container> {
  const { PATH } = process.env
  const child = fork(new URL('./container-process.ts', import.meta.url), {
    env: {
      ...(PATH !== undefined && { PATH }),
      LOG_LEVEL: 'error',
      BUDGET_PER_DAY: 'off',
      BUDGET_PER_USER_PER_DAY: 'off',
      ...env,
    },
    execArgv: [`--max-old-space-size=${heapMb}`, '--expose-gc'],
  })
  const exited = once(child, 'exit')
  const next = async () => {
    const died = exited.then(([code]) => Promise.reject(new Error(`the process of the container ended with ${code}`)))
    const [message] = await Promise.race([once(child, 'message'), died])
    return message
  }
  await next()
  return {
    call: async (call) => {
      const answer = next()
      child.send(call)
      return (await answer) as Called
    },
    close: async () => {
      child.disconnect()
      await exited
    },
  }
}
