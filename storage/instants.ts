// When something last happened, as small records in the blob store: what must be known without waking the database.
// Pings note themselves here, health reads it, and sweeps ask whether it is their turn. It promises at most one write a minute for each
// name and process.
import * as z from 'zod'
import { type BlobStore, recordSchema } from './store.ts'

export type Noted =
  | 'worker'
  | 'checker'
  | 'recover'
  | 'tick'
  | 'overdue alert'
  | `spending alert ${80 | 100}`
  | 'upload sweep'
  | 'sweep'

export interface Instants {
  /** `name` happens now. */
  note(name: Noted): Promise<void>
  last(name: Noted): Promise<Date | undefined>
  /**
   * Whether it is time for `name`: it was not noted for `restMs`, and this process didn't get the same turn just before. The store is not
   * asked while this process knows the answer.
   */
  takeTurn(name: Noted, restMs: number): Promise<boolean>
}

const record = recordSchema(() => z.object({ at: z.coerce.date() }))
const writeRestMs = 60_000
/** Longer than a turn takes, so that one is under way in a process; less than a minute, so that each ping may go on with what was left. */
const turnMs = 50_000

/** `store` must read with strong consistency. */
export function openInstants(store: BlobStore, now: () => Date): Instants {
  const noted = new Map<Noted, number>()
  const turns = new Map<Noted, number>()
  const last = async (name: Noted) => record().safeParse(await store.readJson(name), { jitless: true }).data?.at
  /** Either way: a clock that was ahead must not keep anything from happening. */
  const isNear = (at = Number.NEGATIVE_INFINITY, ms: number) => Math.abs(now().getTime() - at) < ms
  return {
    last,
    note: async (name) => {
      const at = now().getTime()
      const age = at - (noted.get(name) ?? Number.NEGATIVE_INFINITY)
      if (age >= 0 && age < writeRestMs) return
      await store.writeJson(name, { at: new Date(at).toISOString() })
      noted.set(name, at)
    },
    takeTurn: async (name, restMs) => {
      if (isNear(noted.get(name), restMs) || isNear(turns.get(name), turnMs)) return false
      turns.set(name, now().getTime())
      const at = (await last(name))?.getTime()
      if (at !== undefined) noted.set(name, at)
      return !isNear(at, restMs)
    },
  }
}
