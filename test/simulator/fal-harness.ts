// A simulated fal without sockets for the simulator's tests: its clock moves only when a test moves it.

import { createFal, type FalOptions } from '../../simulator/fal/index.ts'

export const webhook = 'https://app.test/hook?task=1&step=2'
export const endpoint = 'fal-ai/flux/dev'
export const trainer = 'fal-ai/flux-lora-portrait-trainer'
export const zip = 'https://images.test/me.zip'
export const zipBytes = new Uint8Array([0x50, 0x4b, 3, 4, 0, 0])

/** What a submission and a status answer, as far as tests look at it. */
export interface Shown {
  request_id: string
  gateway_request_id: string
  status: string
  status_url: string
  response_url: string
  cancel_url: string
  error?: string
  error_type?: string
  detail?: unknown
}

export interface Listed {
  items: { request_id: string; json_input?: Record<string, unknown>; ended_at?: string; status_code?: number }[]
  next_cursor: string | null
  has_more: boolean
}

export const base = 'http://simulator.test/fal'

export function falHarness(options: Partial<FalOptions> = {}) {
  let now = Date.parse('2026-01-01T12:00:00.000Z')
  let ids = 0
  const fal = createFal({
    baseUrl: base,
    drawing: false,
    now: () => new Date(now),
    newId: () => `id${++ids}`,
    signingSeed: 'test',
    sleep: async (ms) => {
      now += ms
    },
    ...options,
  })
  const call = (method: string, url: string, body?: unknown, headers: Record<string, string> = {}) =>
    fal.fetch(
      new Request(url.startsWith('http') ? url : base + url, {
        method,
        headers: { authorization: 'Key test', ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    )
  const post = (input: object = { prompt: 'a cat' }, headers: Record<string, string> = {}, to = endpoint) =>
    call('POST', `/queue/${to}?fal_webhook=${encodeURIComponent(webhook)}`, input, headers)
  const read = async <T>(answer: Promise<Response>) => (await (await answer).json()) as T
  return {
    fal,
    call,
    post,
    submit: (input?: object, headers?: Record<string, string>, to?: string) => read<Shown>(post(input, headers, to)),
    train: (input: object = {}, headers: Record<string, string> = {}) =>
      read<Shown>(post({ images_data_url: zip, ...input }, headers, trainer)),
    status: ({ status_url }: Shown) => read<Shown>(call('GET', status_url)),
    result: ({ response_url }: Shown) => call('GET', response_url),
    list: (query: string) => read<Listed>(call('GET', `/api/models/requests/by-endpoint?${query}`)),
    now: () => now,
    advance: (seconds: number) => {
      now += seconds * 1000
    },
  }
}
