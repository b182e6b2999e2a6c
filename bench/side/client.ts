// The people: they start tasks, look at them and open their gates, over HTTP and at every engine by the same doors. A person who
// waits for a step begins to look when the provider is done with it, so that looking costs every engine the same.
import { Agent, request as send } from 'undici'
import type { Till } from './till.ts'

export interface Person {
  url: string
  headers: Record<string, string>
}

interface View {
  task_id: string
  status: string
  current_step: number
}

/** How often a person looks: at first after `leastMs`, then each time when `share` of the time since the step's end has passed. */
export interface Gaze {
  leastMs: number
  share: number
}

export interface Walk {
  task: string
  person: Person
  /** For each step, from the provider's end to the first look that shows it. */
  waits: number[]
  looks: number
}

export interface Client {
  signIn(url: string): Promise<Person>
  /** One task from its start to its shown end, every gate opened as soon as it is seen. */
  walk(person: Person, till: Till, gaze: Gaze): Promise<Walk>
  look(person: Person, task: string): Promise<View>
  close(): Promise<void>
}

const startBody = (steps: number) =>
  JSON.stringify({
    person_image: 'https://images.test/person.png',
    garments: Array.from({ length: steps }, (_, index) => `https://images.test/garment-${index}.png`),
  })
/** A step that isn't shown after this long never will be. */
const patienceMs = 60_000

export function openClient(steps: number): Client {
  const body = startBody(steps)
  let people = 0
  const dispatcher = new Agent({ connections: 512, pipelining: 1, headersTimeout: 30_000 })
  const call = async <T = View>(method: 'GET' | 'POST', person: Person, path: string, body?: string): Promise<T> => {
    const headers = { ...person.headers, 'content-type': 'application/json' }
    const options = { dispatcher, method, headers, ...(body !== undefined && { body }) }
    const answer = await send(person.url + path, options)
    const text = await answer.body.text()
    if (answer.statusCode >= 300 || text === '')
      throw new Error(`${method} ${path.split('?')[0]} answered ${answer.statusCode}: ${text}`)
    return JSON.parse(text)
  }
  const look: Client['look'] = (person, task) => call('GET', person, `/api/status?task_id=${task}`)
  const start = async (person: Person) => (await call('POST', person, '/api/start', body)).task_id
  const open = (person: Person, task: string, step: number) =>
    call('POST', person, '/api/continue', JSON.stringify({ task_id: task, step }))

  const untilShown = async (person: Person, walk: Walk, step: number, ended: number, gaze: Gaze) => {
    for (;;) {
      const waited = performance.now() - ended
      if (waited > patienceMs) throw new Error(`step ${step} of task ${walk.task} isn't shown after ${waited} ms`)
      await new Promise((resolve) => setTimeout(resolve, Math.max(gaze.leastMs, waited * gaze.share)))
      const view = await look(person, walk.task)
      walk.looks += 1
      const isShown = step === steps ? view.status === 'completed' : view.status === 'waiting_continue'
      if (isShown && view.current_step === step) return performance.now() - ended
      if (view.status === 'failed') throw new Error(`task ${walk.task} failed`)
    }
  }

  return {
    look,
    walk: async (person, till, gaze) => {
      const walk: Walk = { task: await start(person), person, waits: [], looks: 0 }
      for (let step = 1; step <= steps; step += 1) {
        const ended = await till.untilEnded(walk.task, step)
        walk.waits.push(await untilShown(person, walk, step, ended, gaze))
        if (step === steps) break
        till.opened(walk.task, step)
        await open(person, walk.task, step)
      }
      return walk
    },
    signIn: async (url) => {
      people += 1
      // Limits of requests are by address, and each person has their own.
      const headers = { 'x-forwarded-for': `2001:db8::${people.toString(16)}` }
      const { token } = await call<{ token: string }>('POST', { url, headers }, '/api/session', '{}')
      return { url, headers: { ...headers, authorization: `Bearer ${token}` } }
    },
    close: () => dispatcher.destroy(),
  }
}
