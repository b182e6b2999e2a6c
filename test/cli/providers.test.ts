// What an operator is told of providers, from what the site itself has met, and the end of a pause. The site's webhook secret is not its
// account's.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { examine } from '../../cli/doctor/examine.ts'
import { report } from '../../cli/doctor/report.ts'
import { run as runTasks } from '../../cli/tasks.ts'
import type { Health } from '../../core/operator-answers.ts'
import { health } from '../../functions/health.ts'
import { begun, rowOf } from '../scenarios/setup.ts'
import { cronSecret, useTestDeps, webhookSecret } from '../setup/deps.ts'
import { insertTask, later, states } from '../setup/factory.ts'
import { runHere } from './command.ts'

const app = await useTestDeps({ mounted: true, env: { REPLICATE_WEBHOOK_SECRET: 'whsec_b3RoZXI=' } })

/** The lines about `name`, with the account's own webhook secret in the environment. */
async function linesOf(name: string): Promise<string[]> {
  const findings = await examine({
    ...{ PUBLIC_URL: app.address, CRON_SECRET: cronSecret, ALLOW_HTTP_CALLBACKS: '1' },
    REPLICATE_WEBHOOK_SECRET: webhookSecret,
  })
  const lines = report(findings, { isJson: false }).split('\n')
  return lines.filter((line) => line.slice(6).startsWith(`${name}  `)).map((line) => line.replaceAll(/ {2,}/g, ' '))
}

async function run(...words: string[]): Promise<string> {
  const env = { DATABASE_URL: app.database.url, NETLIFY_BLOBS_CONTEXT: app.blobs.context }
  return (await runHere(runTasks, words, env)).out
}

async function refusedCount(): Promise<number> {
  const answer = await app.call(health, { path: '/api/health', token: cronSecret })
  return ((await answer.json()) as Health).providers['replicate']?.webhooks.refused ?? 0
}

const refusal =
  /replicate's webhooks are refused: \d+ in all, the last .*, and none was accepted yet\. .*signature does not fit/

test("webhooks that the site refuses are told with the reason and what to set, though the secret here is the account's", async () => {
  expect(await linesOf('providers')).toEqual([expect.stringMatching(/^ok providers none is paused or silent/)])
  const { id } = await begun(app)
  await expect.poll(refusedCount, { timeout: 10_000 }).toBeGreaterThan(0)
  const told = (await linesOf('webhooks')).filter((line) => line.startsWith('warn'))
  expect(told).toEqual([expect.stringMatching(refusal)])
  expect(told[0]).toContain("→ Set the site's REPLICATE_WEBHOOK_SECRET to the key")
  const shown = await run('show', id)
  expect(shown).toMatch(refusal)
  expect(shown).toContain("Set the site's REPLICATE_WEBHOOK_SECRET")
})

test('a pause and a provider that does not answer are told with their reasons and what to do', async () => {
  await sql`insert into providers (name, paused_until, paused_for, updated_at)
    values ('fal', now() + interval '5 minutes', 'Insufficient credit.', now())`.execute(app.deps.db)
  const unanswered = { unanswered: 3, unanswered_since: later(new Date(), -240), unanswered_reason: 'it answered 502' }
  await insertTask(app.deps.db, { ...states.running, ...unanswered })
  expect(await linesOf('pause')).toEqual([
    expect.stringMatching(/^warn pause fal is paused until .*: Insufficient credit\. → .*tasks -- resume fal/),
  ])
  expect(await linesOf('silence')).toEqual([
    expect.stringMatching(
      /^warn silence replicate left 3 checks in a row .* of 1 task, since .*: it answered 502 → See/,
    ),
  ])
  expect(await linesOf('providers')).toEqual([])
  const stats = await run('stats')
  expect(stats).toMatch(/fal is paused until .*: Insufficient credit\./)
  expect(stats).toContain('replicate left 3 checks in a row without an answer')
})

test('resume lets the next pass submit what was put off until the end of the pause, and no other provider', async () => {
  const until = later(new Date(), 600)
  await sql`insert into providers values ('replicate', ${until}, 'Slow down.', now())
    on conflict (name) do update set paused_until = ${until}`.execute(app.deps.db)
  const putOff = await insertTask(app.deps.db, { due_at: until })
  const other = await insertTask(app.deps.db, { provider: 'fal', due_at: until })
  const mark = async () => (await app.deps.wake.look())?.id
  const before = await mark()
  await run('resume', 'replicate')
  expect(await mark()).not.toBe(before)
  expect((await rowOf(app, putOff)).due_at?.getTime()).toBeLessThanOrEqual(Date.now())
  expect((await rowOf(app, other)).due_at).toEqual(until)
})
