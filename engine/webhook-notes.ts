// Notes what becomes of webhooks, for health, at next to no cost: that one was taken goes once a minute with the statement that it makes
// anyway, and refusals are counted here and written a few times a minute. functions/webhook.ts calls it.
import { noteRefusedWebhooks } from '../db/statements/webhooks.ts'
import { clockOf, type Deps, type EndpointContext } from './deps.ts'

const minuteMs = 60_000
/** The first are told at once; a flood of them costs no more statements than these. */
const refusalsAMinute = 10

interface Notes {
  acceptedAt: number
  refused: number
  reason: string
  /** When the last ones were written. */
  written: number[]
}

/** By database and provider: what this process has told, and what it has yet to tell. */
const known = new WeakMap<Deps['db'], Map<string, Notes>>()

function notesOf({ db }: Deps, provider: string): Notes {
  const own = known.get(db) ?? new Map<string, Notes>()
  const notes = own.get(provider) ?? { acceptedAt: Number.NEGATIVE_INFINITY, refused: 0, reason: '', written: [] }
  known.set(db, own.set(provider, notes))
  return notes
}

/** A clock that was set back makes an age negative, which is not fresh either. */
const isFresh = (at: number, now: number) => now >= at && now - at < minuteMs

/** What the webhook's next statement is told, so that it notes the webhook as taken: nothing, where that was noted within the minute. */
export function noteAccepted(deps: Deps, provider: string): { webhookOf?: string } {
  const notes = notesOf(deps, provider)
  const now = clockOf(deps).getTime()
  if (isFresh(notes.acceptedAt, now)) return {}
  notes.acceptedAt = now
  return { webhookOf: provider }
}

/** The reason goes to the operator: it names no secret. */
export function noteRefused(deps: Deps, context: EndpointContext, provider: string, reason: string): void {
  const notes = notesOf(deps, provider)
  const now = clockOf(deps).getTime()
  notes.refused += 1
  notes.reason = reason
  // The next one that is taken says that they are again.
  notes.acceptedAt = Number.NEGATIVE_INFINITY
  notes.written = notes.written.filter((at) => isFresh(at, now))
  if (notes.written.length >= refusalsAMinute) return
  notes.written.push(now)
  const told = { provider, count: notes.refused, reason, now: deps.now?.() }
  notes.refused = 0
  const noted = noteRefusedWebhooks(deps.db, told).catch((error: unknown) => {
    deps.log.warn({ err: error, provider }, 'a refused webhook was not noted')
  })
  context.waitUntil(noted)
}
