// /_simulator/…: how tests and people tell the running simulator to misbehave, and read its till.

import { z } from 'zod'
import { faultSchema } from './faults.ts'
import type { Replicate } from './replicate/index.ts'
import { settingsChangeSchema } from './replicate/state.ts'

const faultsSchema = z.array(faultSchema)

/** Answers requests under /_simulator/; undefined for any other path. */
export async function control(request: Request, replicate: Replicate): Promise<Response | undefined> {
  const { pathname } = new URL(request.url)
  if (!pathname.startsWith('/_simulator/')) return undefined
  switch (`${request.method} ${pathname.slice('/_simulator/'.length)}`) {
    case 'GET till':
      return Response.json({ replicate: replicate.till() })
    case 'GET faults':
      return Response.json(replicate.waitingFaults())
    case 'POST faults':
      return withBody(request, faultsSchema, (faults) => {
        replicate.addFaults(faults)
        return replicate.waitingFaults()
      })
    case 'POST settings':
      return withBody(request, settingsChangeSchema, (changes) => replicate.set(changes))
    case 'POST reset':
      replicate.reset()
      return Response.json({ reset: true })
    default:
      return Response.json({ title: 'Not found', status: 404 }, { status: 404 })
  }
}

async function withBody<T>(request: Request, schema: z.ZodType<T>, apply: (body: T) => unknown): Promise<Response> {
  const parsed = schema.safeParse(await readJson(request))
  if (parsed.success) return Response.json(apply(parsed.data))
  const errors = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
  return Response.json({ title: 'Invalid request', status: 400, errors }, { status: 400 })
}

async function readJson(request: Request): Promise<unknown> {
  const text = await request.text()
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
