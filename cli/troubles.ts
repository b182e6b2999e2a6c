// Says in sentences what is wrong between this deployment and its providers, and what to do: pauses, checks without an answer, refused
// webhooks. Pure; the doctor, `npm run tasks -- stats` and `show` call it.
import type { Health } from '../core/operator-answers.ts'
import { distance, instant } from './words.ts'

/** Of one provider, as health tells it. */
type Standing = Health['providers'][string]

interface Trouble {
  name: 'pause' | 'silence' | 'webhooks'
  says: string
  todo: string
}

/** One check without an answer, or two, are everyday life. */
const silentChecks = 3

export function troublesOf(providers: Health['providers'], now: Date): Trouble[] {
  return Object.entries(providers).flatMap(([name, standing]) => [
    ...pauseOf(name, standing, now),
    ...silenceOf(name, standing, now),
    ...refusalsOf(name, standing.webhooks, now),
  ])
}

const at = (iso: string, now: Date) => `${instant(new Date(iso))} UTC (${distance(new Date(iso), now)})`

function pauseOf(name: string, { paused_until, paused_for }: Standing, now: Date): Trouble[] {
  if (!paused_until) return []
  const says = `${name} is paused until ${at(paused_until, now)}: ${paused_for ?? 'no reason was given'}`
  const todo = `Wait, buy credit, or correct its key, as the words say; npm run tasks -- resume ${name} ends the pause now.`
  return [{ name: 'pause', says, todo }]
}

function silenceOf(name: string, { silent }: Standing, now: Date): Trouble[] {
  if (!silent || silent.checks < silentChecks) return []
  const tasks = silent.tasks === 1 ? '1 task' : `${silent.tasks} tasks`
  const says = `${name} left ${silent.checks} checks in a row without an answer, of ${tasks}, since ${at(silent.since, now)}: ${silent.reason ?? 'no reason is on record'}`
  const todo = `See the status page of ${name}, and whether its key is still valid. Its tasks wait, and end at their limits.`
  return [{ name: 'silence', says, todo }]
}

/** What makes a provider's signatures fit. */
const remedies: Record<string, string> = {
  replicate:
    "Set the site's REPLICATE_WEBHOOK_SECRET to the key that GET /webhooks/default/secret answers (docs/deploying.md), and deploy again.",
  fal: 'Check FAL_JWKS_URL at the site, where the keys of its signatures are read.',
}

function remedyOf(name: string, reason: string): string {
  if (/not made here/.test(reason))
    return 'If SESSION_SECRET was changed there, put the earlier one behind the new one.'
  if (/5 minutes/.test(reason)) return "Set the clock of the site's functions right."
  return remedies[name] ?? 'The log of the site says more.'
}

/** Once one has been accepted since, whatever was wrong is mended. */
export function refusalsOf(name: string, webhooks: Standing['webhooks'], now: Date): Trouble[] {
  const { accepted_at, refused, refused_at, last_reason } = webhooks
  if (!refused_at || (accepted_at && Date.parse(accepted_at) >= Date.parse(refused_at))) return []
  const accepted = accepted_at
    ? `the last was accepted ${distance(new Date(accepted_at), now)}`
    : 'none was accepted yet'
  const says = `${name}'s webhooks are refused: ${refused} in all, the last ${distance(new Date(refused_at), now)}, and ${accepted}. ${last_reason ?? ''}`
  const todo = `${remedyOf(name, last_reason ?? '')} Until then passes do their work.`
  return [{ name: 'webhooks', says: says.trimEnd(), todo }]
}
