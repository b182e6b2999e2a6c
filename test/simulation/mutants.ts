// The guards that matter, each taken away through a seam of the simulation. A suite that doesn't notice proves nothing.
import type { Provider } from '../../core/provider.ts'
import type { Deps } from '../../functions/deps.ts'
import type { Http } from '../../providers/http.ts'
import { openProviders } from '../../providers/index.ts'

export interface Mutant {
  name: string
  /** What is done without the guard. */
  without: string
  /** Changes a statement's text. The suite checks that each still applies somewhere. */
  rewrite?: (statement: string) => string
  /** Changes what a function call is handed. */
  change?: (deps: Deps) => Deps
}

const statement = (name: string, without: string, guard: string | RegExp, instead: string): Mutant => ({
  name,
  without,
  rewrite: (text) => text.replaceAll(typeof guard === 'string' ? guard : new RegExp(guard, 'g'), instead),
})

const provider = (
  name: string,
  without: string,
  change: (provider: Provider, deps: Deps) => Partial<Provider>,
): Mutant => ({
  name,
  without,
  change: (deps) => ({
    ...deps,
    providers: new Map([...deps.providers].map(([key, real]) => [key, { ...real, ...change(real, deps) }])),
  }),
})

export const mutants: readonly Mutant[] = [
  {
    name: 'create-resent',
    without: 'a create whose connection broke is sent again, as the official clients do',
    change: (deps) =>
      withHttp(deps, { send: (request) => deps.http.send(request).catch(() => deps.http.send(request)) }),
  },
  provider('unknown-is-not-created', 'an unknown fate is taken for "not created"', (real) => ({
    submit: async (request, options) => {
      const submission = await real.submit(request, options)
      return submission.kind === 'unknown'
        ? { kind: 'refused', reason: submission.reason, retryAfterSeconds: 1 }
        : submission
    },
  })),
  provider('list-not-searched', 'the list is never looked at, and "none" is believed', () => ({
    search: async () => ({ kind: 'none' }),
  })),
  statement(
    'grace-skipped',
    'the list\'s "none" is believed at once, while a slow create may still arrive',
    /select (coalesce\(\$\d+::timestamptz, now\(\)\)) as claimed_at/,
    "select $1 + interval '200 seconds' as claimed_at",
  ),
  statement(
    'run-out-claim-sent-again',
    'a claim that ran out goes back to pending instead of unconfirmed',
    "phase = case t.phase when 'submitting' then 'unconfirmed' else t.phase end,",
    "phase = nullif(t.phase, 'submitting'), claim_token = case when t.phase = 'submitting' then null else t.claim_token end, " +
      "status = case when t.phase = 'submitting' and t.status = 'processing' then 'pending' else t.status end, " +
      "next_step = case when t.phase = 'submitting' and t.status = 'processing' then t.current_step end,",
  ),
  statement(
    'holder-not-checked',
    'a write after a claim does not name its attempt',
    '(t.claim_token = told.claim_token and t.current_step = told.step and t.attempt = told.attempt) is true as held',
    '(t.claim_token is not null) as held',
  ),
  statement(
    'late-create-forgotten',
    'a prediction that the open attempt does not want is not recorded',
    "where t.id = o.id and o.kind = 'created' and not (",
    "where false and o.kind = 'created' and not (",
  ),
  statement(
    'cancel-forgets-provider',
    'cancel leaves the running prediction alone',
    /strays = case t\.phase when 'running'\s+then add_stray\([^)]*\) else t\.strays end/,
    'strays = t.strays',
  ),
  provider('cancel-not-repeated', 'a cancel call that failed is taken for done', (real) => ({
    cancel: async (prediction) => {
      await real.cancel(prediction)
      return { kind: 'over' }
    },
  })),
  statement(
    'cancel-closes-open-attempt',
    'cancel forgets an attempt whose prediction is not known yet',
    /phase = case when t\.phase in \('submitting', 'unconfirmed'\) then t\.phase end,\s+claim_token = case when t\.phase in \('submitting', 'unconfirmed'\) then t\.claim_token end,/,
    'phase = null, claim_token = null,',
  ),
  statement(
    'one-404-is-enough',
    'the first 404 fails the task',
    /t\.misses \+ 1 >= (\$\d+)/,
    't.misses + 1 >= least(1, $1)',
  ),
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
  statement(
    'due-forgotten-with-result',
    'a stored result with an open gate is not made due for the next step',
    /when t\.auto_continue then (coalesce\(\$\d+::timestamptz, now\(\)\))\s+else/,
    "when t.auto_continue then $1 + interval '30 days' else",
  ),
  statement(
    'lock-not-taken',
    'a task of an exclusive recipe takes a lock of its own',
    /('pending', \$\d+, 1, )(\$\d+)/,
    '$1$2::text || gen_random_uuid()',
  ),
]

/** Providers hold the Http they were opened with. */
function withHttp(deps: Deps, change: Partial<Http>): Deps {
  const http = { ...deps.http, ...change }
  return { ...deps, http, providers: openProviders(deps.config, http) }
}
