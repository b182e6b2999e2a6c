// fal as tests of the provider meet it: the simulated one over real HTTP under a clock that stands still, and a server that
// answers what a test scripts, for answers that the simulator doesn't give.
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { afterAll, beforeEach, onTestFinished } from 'vitest'
import type { Created, GenerationRequest, Prediction, Submission } from '../../core/provider.ts'
import { openFal } from '../../providers/fal/provider.ts'
import { type Http, openHttp } from '../../providers/http.ts'
import type { OpenedProvider } from '../../providers/spec.ts'
import { type Simulator, startSimulator } from '../../simulator/server.ts'
import { type TestClock, testClock } from '../setup/clock.ts'

const falKey = 'fal_test'
export const trainer = 'fal-ai/flux-lora-portrait-trainer'
export const image: GenerationRequest = { model: 'fal-ai/flux/dev', input: { prompt: 'a cat', seed: 7 } }
export const training: GenerationRequest = {
  model: trainer,
  input: { images_data_url: 'https://app.test/me.zip?marker=m1', trigger_phrase: 'ohwx' },
  runOnce: true,
}
export const how = { cancelAfterSeconds: 3_600 }
export const patienceMs = 10_000

interface Where {
  queueUrl: string
  apiUrl?: string
  jwksUrl?: string
  http?: Http
  key?: string
}

export function falAt({ queueUrl, apiUrl, jwksUrl, http, key = falKey }: Where): OpenedProvider {
  return openFal({
    http: http ?? sharedHttp(),
    key,
    queueUrl,
    apiUrl: apiUrl ?? `${new URL(queueUrl).origin}/api`,
    jwksUrl: jwksUrl ?? `${new URL(queueUrl).origin}/jwks.json`,
    submitTimeoutMs: patienceMs,
    checkTimeoutMs: patienceMs,
  })
}

let http: Http | undefined
function sharedHttp(): Http {
  http ??= openHttp({ connections: 8 })
  return http
}

export interface Simulated {
  simulator: Simulator
  clock: TestClock
  /** Steps take 4 s, trainings 45. */
  fal: OpenedProvider
  at: (options?: Partial<Where>) => OpenedProvider
}

/** For a whole file: emptied before each test, closed at the end. */
export async function useSimulatedFal(): Promise<Simulated> {
  const clock = testClock()
  const simulator = await startSimulator({
    ...{ port: 0, webhookSecret: 'whsec_eA==', falKey, secondsPerStep: 4, drawing: false, now: clock.now },
  })
  const urls = {
    queueUrl: `${simulator.url}/fal/queue`,
    apiUrl: `${simulator.url}/fal/api`,
    jwksUrl: `${simulator.url}/fal/jwks.json`,
  }
  beforeEach(() => simulator.fal.reset())
  afterAll(async () => {
    await simulator.close()
    await http?.close()
    http = undefined
  })
  const at = (options: Partial<Where> = {}) => falAt({ ...urls, ...options })
  return { simulator, clock, fal: at(), at }
}

export function requireCreated(submission: Submission): Created & Prediction {
  if (submission.kind !== 'created') throw new Error(`not created: ${JSON.stringify(submission)}`)
  return { ...submission, id: submission.prediction_id }
}

export interface Scripted {
  status?: number
  headers?: Record<string, string>
  /** An object is sent as JSON. */
  body?: unknown
}

export interface Asked {
  method: string
  url: string
  headers: IncomingMessage['headers']
}

/** A server that answers each request as `script` says, and remembers what it was asked. */
export async function scripted(script: (asked: Asked) => Scripted): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    const seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers }
    asked.push(seen)
    const { status = 200, headers = {}, body } = script(seen)
    response.writeHead(status, headers)
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`, asked }
}
