// Reads a model's published schema from its provider, or from a file that was saved of it.

import { readFile } from 'node:fs/promises'
import { type Model, modelOfFal, modelOfReplicate, SchemaError } from './model.ts'

export interface Wanted {
  readonly provider: 'replicate' | 'fal'
  readonly name: string
  /** A file with what the provider answers, where it can't be asked. */
  readonly file: string | undefined
}

type Variables = NodeJS.Dict<string>

const withinMs = 15_000

export async function fetchModel({ provider, name, file }: Wanted, env: Variables): Promise<Model> {
  if (file !== undefined) {
    const answer = await readAnswer(file)
    return provider === 'fal' ? modelOfFal(name, documentIn(answer)) : modelOfReplicate(name, answer)
  }
  return provider === 'fal' ? askFal(name, env) : askReplicate(name, env)
}

async function askReplicate(name: string, env: Variables): Promise<Model> {
  const { REPLICATE_BASE_URL: base = 'https://api.replicate.com/v1', REPLICATE_API_TOKEN: token } = env
  const address = `${base}/models/${name}`
  if (!token) {
    throw new Error(`Replicate tells schemas to its users alone: set REPLICATE_API_TOKEN, in the environment or in .env.
Or save what ${address} answers, and give it with --schema FILE.`)
  }
  return modelOfReplicate(name, await ask(address, name, { authorization: `Bearer ${token}` }))
}

async function askFal(name: string, env: Variables): Promise<Model> {
  const { FAL_API_URL: base = 'https://api.fal.ai/v1', FAL_KEY: key } = env
  const address = `${base}/models?endpoint_id=${encodeURIComponent(name)}&expand=openapi-3.0`
  // A key isn't needed; with one more can be asked in a minute.
  return modelOfFal(name, documentIn(await ask(address, name, key ? { authorization: `Key ${key}` } : {})))
}

async function ask(address: string, name: string, headers: Record<string, string>): Promise<unknown> {
  let response: Response
  try {
    response = await fetch(address, { headers, signal: AbortSignal.timeout(withinMs) })
  } catch (cause) {
    throw new Error(`${address} doesn't answer: ${(cause as Error).message}`, { cause })
  }
  if (response.status === 404) throw new Error(`There is no model "${name}" at ${new URL(address).host}.`)
  if (!response.ok) throw new Error(`${address} answered ${response.status}: ${(await response.text()).slice(0, 200)}`)
  return response.json()
}

/** fal answers with a list of endpoints; its page has the document alone. */
function documentIn(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null || !('models' in answer)) return answer
  const [found] = [answer.models].flat() as { openapi?: unknown }[]
  if (found === undefined) throw new Error('There is no such endpoint at fal.')
  if (found.openapi === undefined) throw new SchemaError('openapi', 'fal tells no document of this endpoint')
  return found.openapi
}

async function readAnswer(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    throw new Error(`${file} can't be read as JSON: ${(cause as Error).message}`, { cause })
  }
}
