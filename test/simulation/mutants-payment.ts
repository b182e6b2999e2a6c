// The guards that keep a step from being paid twice, or a prediction from being forgotten: each taken away.
import type { Search } from '../../core/provider.ts'
import type { Deps } from '../../engine/deps.ts'
import type { Http } from '../../providers/http.ts'
import { openProviders } from '../../providers/index.ts'
import { type Mutant, provider, statement } from './mutant.ts'

/** Providers hold the Http they were opened with. */
function withHttp(deps: Deps, change: Partial<Http>): Deps {
  const http = { ...deps.http, ...change }
  return { ...deps, http, providers: openProviders(deps.config, http) }
}

/** An answer that proves nothing, taken for a "no". */
const believed = (isNo: (search: Search) => boolean) => (real: Parameters<Parameters<typeof provider>[2]>[0]) => ({
  search: async (attempt: Parameters<typeof real.search>[0]): Promise<Search> => {
    const search = await real.search(attempt)
    return isNo(search) ? { kind: 'none' } : search
  },
})
const says = (words: RegExp) => (search: Search) => search.kind === 'unreachable' && words.test(search.reason)

/** Without its seed, and without the markers of its links. */
function unmarked({ seed: _, ...input }: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(input).replaceAll(/marker=[\w-]+/g, 'marker=')) as Record<string, unknown>
}

const created = "o.kind = 'created' and o.is_open"

const searchCounted = "searches = t.searches + case when t.phase in ('submitting', 'unconfirmed') then 1 else 0 end,"

export const payingMutants: readonly Mutant[] = [
  {
    name: 'create-resent',
    without: 'a create whose connection broke is sent again, as the official clients do',
    change: (deps) =>
      withHttp(deps, { send: (request) => deps.http.send(request).catch(() => deps.http.send(request)) }),
  },
  provider('marker-forgotten', "what marks an attempt isn't written to its request", (real) => ({
    submit: (request, options) => real.submit({ ...request, input: unmarked(request.input) }, options),
  })),
  provider('unknown-is-not-created', 'an unknown fate is taken for "not created"', (real) => ({
    submit: async (request, options) => {
      const submission = await real.submit(request, options)
      return submission.kind === 'unknown'
        ? { kind: 'throttled', reason: submission.reason, retryAfterSeconds: 1 }
        : submission
    },
  })),
  provider('list-not-searched', 'the list is never looked at, and "none" is believed', () => ({
    search: async () => ({ kind: 'none' }),
  })),
  provider('long-list-believed', 'a list that was not read to its end is taken for a "no"', believed(says(/too long/))),
  provider('erased-list-believed', 'a list with erased inputs is taken for a "no"', believed(says(/erased/))),
  provider(
    'fal-list-believed',
    'fal\'s list, which leaves out what isn\'t over, is taken for a "no"',
    // That fal keeps no inputs which a list could show is a second guard, which goes with it.
    (real) => ({ ...believed(({ kind }) => kind === 'unsure')(real), inputsKeptSeconds: 3_600 }),
    'fal',
  ),
  provider(
    'fal-not-searched',
    "fal's list is never looked at",
    () => ({
      search: async () => ({ kind: 'unsure', reason: 'not looked at' }),
    }),
    'fal',
  ),
  {
    name: 'grace-skipped',
    without: 'the list\'s "none" is believed at once, while a slow create may still arrive',
    change: (deps) => ({ ...deps, config: { ...deps.config, SUBMIT_GRACE_SECONDS: 0 } }),
    // Six searches are a grace time of their own, which goes with it.
    rewrite: (text) => text.replace(searchCounted, 'searches = 1000,'),
  },
  statement(
    'searched-once',
    'the list\'s "none" is believed at the first search, by a clock that has just jumped ahead',
    [searchCounted, 'searches = 1000,'],
  ),
  statement('run-out-claim-sent-again', 'a claim that ran out goes back to pending instead of unconfirmed', [
    "phase = case t.phase when 'submitting' then 'unconfirmed' else t.phase end,",
    "phase = case when t.phase <> 'submitting' then t.phase when t.status = 'canceled' then 'unconfirmed' end, " +
      "claim_token = case when t.phase = 'submitting' and t.status = 'processing' then null else t.claim_token end, " +
      "status = case when t.phase = 'submitting' and t.status = 'processing' then 'pending' else t.status end, " +
      "next_step = case when t.phase = 'submitting' and t.status = 'processing' then t.current_step end,",
  ]),
  statement('holder-not-checked', 'a write after a claim does not name its attempt', [
    '(t.claim_token = told.claim_token and t.current_step = told.step and t.attempt = told.attempt) is true as is_open',
    '(t.claim_token is not null) as is_open',
  ]),
  statement('late-create-forgotten', 'a prediction that the open attempt does not want is not recorded', [
    "o.kind = 'created' and not (",
    "false and o.kind = 'created' and not (",
  ]),
  statement('past-forgotten', "an earlier attempt's prediction that is reported again is taken for a stranger", [
    /and not t\.steps @> jsonb_build_array\(jsonb_build_object\('past',\s+jsonb_build_array\(jsonb_build_object\('prediction_id', o\.prediction_id\)\)\)\)/,
    '',
  ]),
  {
    name: 'webhook-not-adopted',
    without: 'a webhook is answered 200 before the attempt knows its prediction',
    rewrite: (text, call) => (call.startsWith('webhook') ? text.replace(created, `${created} and false`) : text),
  },
  statement('throttled-spends-attempt', 'a create that was throttled counts as an attempt', [
    "attempt = t.attempt - case when o.kind = 'absent' then 0 else 1 end,",
    'attempt = t.attempt,',
  ]),
  statement('pause-ignored', 'attempts begin while the provider has asked everybody to wait', [
    /providers\.paused_until > (coalesce\(\$\d+::timestamptz, now\(\)\))/,
    "providers.paused_until > $1 + interval '100 years'",
  ]),
  statement('cancel-forgets-provider', 'cancel leaves the running prediction alone', [
    /strays = case t\.phase when 'running'\s+then add_stray\([^)]*\) else t\.strays end/,
    'strays = t.strays',
  ]),
  provider('cancel-not-repeated', 'a cancel call that failed is taken for done', (real) => ({
    cancel: async (prediction) => {
      await real.cancel(prediction)
      return { kind: 'over' }
    },
  })),
  statement('cancel-closes-open-attempt', 'cancel forgets an attempt whose prediction is not known yet', [
    /phase = case when t\.phase in \('submitting', 'unconfirmed'\) then t\.phase end,\s+claim_token = case when t\.phase in \('submitting', 'unconfirmed'\) then t\.claim_token end,/,
    'phase = null, claim_token = null,',
  ]),
]
