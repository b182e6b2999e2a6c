// /_simulator/…: how tests and people tell the running simulator to misbehave, and read its till.

import { z } from 'zod'
import type { Fal } from './fal/index.ts'
import { settingsChangeSchema as falSettings } from './fal/protocol.ts'
import { type FaultInput, faultSchema } from './faults.ts'
import { readJson } from './jobs/create.ts'
import type { Replicate } from './replicate/index.ts'
import { settingsChangeSchema as replicateSettings } from './replicate/protocol.ts'

const faultsSchema = z.array(faultSchema)
const settingsSchema = replicateSettings.extend({ fal: falSettings.optional() })

export interface Providers {
  readonly replicate: Replicate
  readonly fal: Fal
}

/** Answers requests under /_simulator/; undefined for any other path. */
export async function control(request: Request, { replicate, fal }: Providers): Promise<Response | undefined> {
  const { pathname } = new URL(request.url)
  if (!pathname.startsWith('/_simulator/')) return undefined
  switch (`${request.method} ${pathname.slice('/_simulator/'.length)}`) {
    case 'GET till':
      return Response.json({ replicate: replicate.till(), fal: fal.till() })
    case 'GET faults':
      return Response.json([...replicate.waitingFaults(), ...fal.waitingFaults()])
    case 'POST faults':
      return withBody(request, faultsSchema, (faults) => {
        const isFals = (fault: FaultInput) => fault.provider === 'fal'
        fal.addFaults(faults.filter(isFals))
        replicate.addFaults(faults.filter((fault) => !isFals(fault)))
        return [...replicate.waitingFaults(), ...fal.waitingFaults()]
      })
    case 'POST settings':
      return withBody(request, settingsSchema, ({ fal: ofFal = {}, ...changes }) => ({
        ...replicate.set(changes),
        fal: fal.set(ofFal),
      }))
    case 'POST reset':
      replicate.reset()
      fal.reset()
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
