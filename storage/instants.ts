// When something last happened, as small records in the blob store: what must be known without waking the database.
// Pings note themselves here, health reads it. It promises at most one write a minute for each name and process.
import * as z from 'zod'
import type { BlobStore } from './store.ts'

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
}

const record = z.object({ at: z.coerce.date() })
const restMs = 60_000

/** `store` must read with strong consistency. */
export function openInstants(store: BlobStore, now: () => Date): Instants {
  const written = new Map<Noted, number>()
  return {
    note: async (name) => {
      const at = now()
      const age = at.getTime() - (written.get(name) ?? Number.NEGATIVE_INFINITY)
      if (age >= 0 && age < restMs) return
      await store.writeJson(name, { at: at.toISOString() })
      written.set(name, at.getTime())
    },
    last: async (name) => record.safeParse(await store.readJson(name), { jitless: true }).data?.at,
  }
}
