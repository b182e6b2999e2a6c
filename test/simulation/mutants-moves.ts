// The guards that move tasks to their end, in order, and never further than they may go: each taken away.
import { isOfChecks } from './database.ts'
import { type Mutant, provider, statement } from './mutant.ts'

export const movingMutants: readonly Mutant[] = [
  statement('one-404-is-enough', 'the first 404 fails the task', [
    /then 0 else 1 end >= (\$\d+)/,
    'then 0 else 1 end >= least(1, $1)',
  ]),
  statement('answer-keeps-misses', 'an answer between 404s does not begin their count anew', [
    "and t.phase = 'running' then t.misses else 0 end",
    "and t.phase = 'running' then t.misses else t.misses end",
  ]),
  {
    name: 'check-told-twice',
    without: 'what a check found is told again when the connection was lost, so that one 404 counts twice',
    resends: isOfChecks,
    // That 404s of one moment are one is a second guard, which goes with it.
    rewrite: (text) => text.replaceAll('coalesce(t.misses > 0 and', 'coalesce(t.misses < 0 and'),
  },
  provider('silence-is-failure', 'an unreachable provider fails the task', (real) => ({
    check: async (prediction) => {
      const seen = await real.check(prediction)
      return seen.kind === 'unreachable' ? { kind: 'failed', code: 'prediction_lost', reason: seen.reason } : seen
    },
  })),
  {
    name: 'shown-before-stored',
    without: 'a step is shown done when the copy has only begun',
    change: (deps) => ({
      ...deps,
      files: {
        ...deps.files,
        copy: async (key, source, options) => {
          const copying = deps.files.copy(key, source, options)
          copying.catch(() => undefined) // the mutant does not care
          return { key, type: 'image/png', size: 1, etag: '' }
        },
      },
    }),
  },
  {
    name: 'mark-raised-late',
    without: 'the wake mark is not raised before a task is written',
    change: (deps) => ({ ...deps, wake: { ...deps.wake, raise: async () => undefined } }),
  },
  {
    name: 'mark-never-lowered',
    without: 'the wake mark stays up when nothing is left to do',
    change: (deps) => ({ ...deps, wake: { ...deps.wake, lower: async () => true } }),
  },
  {
    name: 'mark-lowered-blindly',
    without: 'the wake mark is lowered without regard to a raise in between',
    change: (deps) => ({
      ...deps,
      wake: { ...deps.wake, lower: (seen, next) => deps.wake.lower({ ...seen, raisedAt: null }, next) },
    }),
  },
  {
    name: 'old-raise-believed',
    without: 'a raise by a clock that is hours behind is taken for one of hours ago',
    change: (deps) => ({
      ...deps,
      wake: {
        ...deps.wake,
        lower: ({ id, raisedAt, lookedAt }, next) => {
          const old = new Date(lookedAt.getTime() - 2 * 60_000)
          return deps.wake.lower({ id, raisedAt: raisedAt && raisedAt < old ? old : raisedAt, lookedAt }, next)
        },
      },
    }),
  },
  statement('due-forgotten-with-result', 'a stored result with an open gate is not made due for the next step', [
    /when t\.auto_continue and not o\.overspent then (coalesce\(\$\d+::timestamptz, now\(\)\))\s+else/,
    "when t.auto_continue and not o.overspent then $1 + interval '30 days' else",
  ]),
  statement('gate-never-closes', 'a gate that nobody answers stays open', [
    "t.status = 'waiting_continue' and t.deadline_at <=",
    "t.status = 'waiting_continue' and t.deadline_at + interval '100 years' <=",
  ]),
  statement('lock-not-taken', 'a task of an exclusive recipe takes a lock of its own', [
    /lock_key, idempotency_key, request_hash, (coalesce\()/,
    'lock_key || gen_random_uuid(), idempotency_key, request_hash, $1',
  ]),
  statement(
    'cap-not-kept',
    'a claim takes what is due without a slot, whatever is in flight',
    ['place > (select count(*) from free where free.provider = ranked.provider)', 'false'],
    ['(select free.slot from free where free.provider = o.provider and free.place = o.place)', 'null::integer'],
  ),
  statement('quota-not-counted', "a day's second start counts as its first", [
    'started = case when d.day >= excluded.day then d.started + excluded.started else excluded.started end',
    'started = excluded.started',
  ]),
]
