// A simulated Replicate without sockets for the simulator's tests: its clock moves only when a test moves it.

import { createReplicate, type ReplicateOptions } from '../../simulator/replicate/index.ts'

export const webhookSecret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'
export const tryOnVersion = 'c871bb9b046607b680449ecbae55fd8c6d945e0a1948644bf2361b3d021d3ff4'
export const tryOnInput = { human_img: 'https://images.test/person.jpg', garm_img: 'https://images.test/shirt.png' }
export const webhook = 'https://app.test/hook'

/** The parts of an answer that tests look at. */
export interface Shown {
  id: string
  status: string
  input: Record<string, unknown> | null
  output: string | string[] | null
  error: string | null
  logs: string | null
  data_removed: boolean
  created_at: string
  deadline?: string
  started_at: string | null
  completed_at: string | null
  metrics: { predict_time?: number }
  urls: { get: string; cancel: string }
  webhook?: string
  detail?: string
  retry_after?: number
}

export interface Page {
  results: Shown[]
  next: string | null
  previous: string | null
}

export function harness(options: Partial<ReplicateOptions> = {}) {
  let now = Date.parse('2026-01-01T12:00:00.000Z')
  let ids = 0
  const replicate = createReplicate({
    baseUrl: 'http://simulator.test',
    webhookSecret,
    drawing: false,
    now: () => new Date(now),
    newId: () => `id${++ids}`,
    sleep: async (ms) => {
      now += ms
    },
    ...options,
  })
  const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    replicate.fetch(
      new Request(new URL(path, 'http://simulator.test'), {
        method,
        headers: { authorization: 'Bearer r8_test', ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    )
  const post = (more: object = {}, headers: Record<string, string> = {}) =>
    call('POST', '/v1/predictions', { version: tryOnVersion, input: tryOnInput, ...more }, headers)
  const read = async <T>(answer: Promise<Response>) => (await (await answer).json()) as T
  return {
    replicate,
    call,
    post,
    /** Creates one and gives it back as it was shown. */
    create: (more: object = {}, headers: Record<string, string> = {}) => read<Shown>(post(more, headers)),
    get: (id: string) => read<Shown>(call('GET', `/v1/predictions/${id}`)),
    list: (query = '') => read<Page>(call('GET', `/v1/predictions${query}`)),
    now: () => now,
    advance: (seconds: number) => {
      now += seconds * 1000
    },
  }
}
