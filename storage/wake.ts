// The wake mark: lets a ping see without a database connection that nothing is to be done. Whoever makes something due raises it
// first; passes look, and lower it. It promises that a task inserted after its raise() is never slept over: a lost race costs a needless look.
//
// It is two records with one kind of writer each. `raised` is written by raise() with a fresh id; `lowered` names the id that a pass had
// seen before it looked for work. All is asleep while `lowered` names what `raised` holds, so a raise at any moment of a lowering wins,
// by the order of plain writes alone. (One record under a conditional write would not do: the blob client reports a conditional write
// as made whatever error it met, and the local blob server checks and writes in two steps and gives no ETag with a read.)
import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import { type BlobStore, recordSchema } from './store.ts'

/** What a look saw, and when: hand it to lower(). */
export interface Awake {
  readonly id: string | null
  readonly raisedAt: Date | null
  readonly lookedAt: Date
}

export interface WakeMark {
  /** Before a task is inserted or re-activated. */
  raise(): Promise<unknown>
  /** Undefined: no mark, and nothing due yet; the ping may answer `idle`. A store that was never written to is awake. */
  look(): Promise<Awake | undefined>
  /**
   * After a pass that had looked, and then found no task pending or processing. From `next` on, the earliest instant at which something
   * becomes due (a gate's expiry), it is awake again by itself. False: not lowered, for something was raised since, or only just now, or at an
   * instant that must be doubted.
   */
  lower(seen: Awake, next?: Date): Promise<boolean>
}

interface WakeOptions {
  now: () => Date
  /** How long after a raise its task may still be on its way to the table. No function lives longer than 60 s. */
  graceMs?: number
}

const raisedRecord = recordSchema(() => z.object({ id: z.string(), at: z.coerce.date() }))
const loweredRecord = recordSchema(() =>
  z.object({
    seen: z.string().nullable(),
    until: z.coerce.date().nullable(),
    watched: raisedRecord().optional(),
  }),
)
/** Names no raise. */
const nobody = ''
/** Where pings come every few minutes, a raise is seen sooner. What looks older was perhaps written by a clock that is hours behind. */
const credibleMs = 10 * 60_000

/** `store` must read with strong consistency, and end each call within seconds: a ping waits for it, and a person who cancels. */
export function openWakeMark(store: BlobStore, { now, graceMs = 90_000 }: WakeOptions): WakeMark {
  const raised = () => readRecord(store, 'raised', raisedRecord())
  // One writing for all raises of a moment: the grace of the first still covers a task that is written a function's life later.
  const freshMs = graceMs / 9
  // A clock that was set back gives a negative age: that is written, too.
  const isFresh = (ageMs: number) => ageMs >= 0 && ageMs < freshMs
  let last: { at: Date; written: Promise<unknown> } | undefined
  const isCredible = (ageMs: number) => ageMs >= 0 && ageMs < credibleMs
  /** Whether a raise of doubtful age was seen by a pass a grace ago, by the clock of passes. The first that sees it notes so, and leaves it awake. */
  const wasWatched = async (id: string, lookedAt: Date) => {
    const lowered = await readRecord(store, 'lowered', loweredRecord())
    if (lowered?.seen === id) return true
    const watched = lowered?.watched
    const ageMs = watched?.id === id ? lookedAt.getTime() - watched.at.getTime() : -1
    if (ageMs < 0) {
      await store.writeJson('lowered', { seen: nobody, until: null, watched: { id, at: lookedAt.toISOString() } })
    }
    return ageMs >= graceMs
  }
  return {
    raise: async () => {
      const at = now()
      if (!last || !isFresh(at.getTime() - last.at.getTime())) {
        last = { at, written: store.writeJson('raised', { id: randomUUID(), at: at.toISOString() }) }
      }
      const { written } = last
      try {
        await written
      } catch (error) {
        if (last?.written === written) last = undefined
        throw error
      }
    },
    look: async () => {
      const lookedAt = now()
      const reads = Promise.all([raised(), readRecord(store, 'lowered', loweredRecord())])
      const [mark, lowered] = await reads.catch(() => [unknown, undefined] as const)
      const awake = { id: mark?.id ?? null, raisedAt: mark?.at ?? null, lookedAt }
      if (!lowered || lowered.seen !== awake.id) return awake
      return lowered.until && lowered.until <= now() ? awake : undefined
    },
    lower: async ({ id, raisedAt, lookedAt }, next) => {
      // Its task may not have been in the table yet when the pass looked there, right after it had looked here.
      const ageMs = raisedAt ? lookedAt.getTime() - raisedAt.getTime() : graceMs
      if (ageMs >= 0 && ageMs < graceMs) return false
      if (((await raised())?.id ?? null) !== id) return false
      if (id !== null && !isCredible(ageMs) && !(await wasWatched(id, lookedAt))) return false
      await store.writeJson('lowered', { seen: id, until: next?.toISOString() ?? null })
      return true
    },
  }
}

/** A store that doesn't answer is awake too; its id is nobody's, so that no pass lowers what it hasn't seen. */
const unknown = { id: 'unknown', at: new Date(0) }

/** A record that is missing or not understood is unknown, and the unknown is awake. */
async function readRecord<T>(store: BlobStore, key: string, schema: z.ZodType<T>): Promise<T | undefined> {
  return schema.safeParse(await store.readJson(key), { jitless: true }).data
}
