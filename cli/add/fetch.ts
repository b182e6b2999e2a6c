// Reads a model's published schema from its provider, or from a file that was saved of it. add.ts calls it.

import { readFile } from 'node:fs/promises'
import { beyondBounds } from '../../core/json-bounds.ts'
import { parseConfig } from '../../providers/config.ts'
import { fal, falSettings } from '../../providers/fal/spec.ts'
import { replicate, replicateSettings } from '../../providers/replicate/spec.ts'
import type { ProviderSpec } from '../../providers/spec.ts'
import { type Model, modelOfFal, modelOfReplicate, type ProviderName, requireSame, SchemaError } from './model.ts'

interface Wanted {
  readonly provider: ProviderName
  readonly name: string
  /** A file with what the provider answers, where it can't be asked. */
  readonly file: string | undefined
}

type Variables = NodeJS.Dict<string>

const withinMs = 15_000
/** The largest that is known of is a tenth of it. */
const mostBytes = 5_000_000
const bounds = { depth: 100, values: 200_000 }

export async function fetchModel({ provider, name, file }: Wanted, env: Variables): Promise<Model> {
  if (file !== undefined) {
    const answer = await readAnswer(file)
    return provider === 'fal' ? modelOfFal(name, documentIn(answer, name)) : modelOfReplicate(name, answer)
  }
  return provider === 'fal' ? askFal(name, env) : askReplicate(name, env)
}

/** The provider's own variables, read as the functions read them. Others may be wrong: nothing is asked of them here. */
const configOf = (env: Variables, { environment }: ProviderSpec) =>
  parseConfig(Object.fromEntries(Object.keys(environment).map((variable) => [variable, env[variable]])))

async function askReplicate(name: string, env: Variables): Promise<Model> {
  const { REPLICATE_BASE_URL: base, REPLICATE_API_TOKEN: token } = replicateSettings(configOf(env, replicate))
  const address = `${base}/models/${name}`
  if (!token) {
    throw new Error(`Replicate tells schemas to its users alone: set REPLICATE_API_TOKEN, in the environment or in .env.
Or save what ${address} answers, and give it with --schema FILE.`)
  }
  return modelOfReplicate(name, await ask(address, name, { authorization: `Bearer ${token}` }))
}

async function askFal(name: string, env: Variables): Promise<Model> {
  const { FAL_API_URL: base, FAL_KEY: key } = falSettings(configOf(env, fal))
  const address = `${base}/models?endpoint_id=${encodeURIComponent(name)}&expand=openapi-3.0`
  // A key isn't needed; with one more can be asked in a minute.
  const answer = await ask(address, name, key ? { authorization: `Key ${key}` } : {})
  return modelOfFal(name, documentIn(answer, name))
}

async function ask(address: string, name: string, headers: Record<string, string>): Promise<unknown> {
  let response: Response
  try {
    response = await fetch(address, { headers, signal: AbortSignal.timeout(withinMs) })
  } catch (cause) {
    throw new Error(`${address} doesn't answer: ${(cause as Error).message}`, { cause })
  }
  if (response.status === 404) throw new Error(`There is no model "${name}" at ${new URL(address).host}.`)
  const text = await readText(response, address)
  if (!response.ok) throw new Error(`${address} answered ${response.status}: ${JSON.stringify(text.slice(0, 200))}`)
  return parseAnswer(text, address)
}

async function readText({ body }: Response, address: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of body ?? []) {
      size += chunk.length
      if (size > mostBytes) break
      chunks.push(chunk)
    }
  } catch (cause) {
    throw new Error(`${address} broke off: ${(cause as Error).message}`, { cause })
  }
  if (size > mostBytes)
    throw new Error(`${address} answers with more than ${mostBytes / 1_000_000} MB, which no schema is.`)
  return Buffer.concat(chunks).toString('utf8')
}

function parseAnswer(text: string, source: string): unknown {
  const fault = beyondBounds(text, bounds)
  if (fault) throw new Error(`${source} can't be read as a schema: it ${fault}.`)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Error(`${source} can't be read as JSON: ${(cause as Error).message}`, { cause })
  }
}

/** fal answers with a list of endpoints; its page has the document alone. */
function documentIn(answer: unknown, name: string): unknown {
  if (typeof answer !== 'object' || answer === null || !('models' in answer)) return answer
  const [found] = [answer.models].flat() as ({ endpoint_id?: unknown; openapi?: unknown } | null | undefined)[]
  if (!found) throw new Error(`There is no endpoint "${name}" at fal.`)
  if (typeof found.endpoint_id === 'string') requireSame(found.endpoint_id, name)
  if (found.openapi === undefined) throw new SchemaError('openapi', 'fal tells no document of this endpoint')
  return found.openapi
}

async function readAnswer(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new Error(`${file} can't be read: ${cause.message}`, { cause })
  })
  return parseAnswer(text, file)
}
