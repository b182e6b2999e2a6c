// What every provider must do, whatever it is called: the conformance suite. A provider's test file hands in the provider and
// the simulator behind it; each test has its own predictions, and the till says what was really sent.
import { beforeEach, expect, test } from 'vitest'
import type { GenerationRequest } from '../../core/provider.ts'
import type { OpenedProvider } from '../../providers/spec.ts'
import type { FaultInput } from '../../simulator/faults.ts'
import { runLate } from '../setup/late.ts'

export interface Subject {
  provider: OpenedProvider
  /** How long it waits for an answer to a create, and to anything else. */
  patienceMs: { create: number; read: number }
  /** The same with a key that the provider doesn't know. */
  stranger: OpenedProvider
  /** The same where nobody listens. */
  unreachable: OpenedProvider
  /** A request whose input carries this marker. */
  request(marker: number): GenerationRequest
  isMarked(input: Record<string, unknown>, marker: number): boolean
  /** What a search that found nothing says: only a list that is complete can say `none`. */
  notFound: 'none' | 'unsure'
  addFaults(...faults: FaultInput[]): void
  /** `asked` counts every request. */
  counts(): { sent: number; created: number; listed: number; asked: number }
  now(): Date
  advance(seconds: number): void
  reset(): void
}

const how = { cancelAfterSeconds: 3_600 }

export function testProvider(subject: Subject): void {
  beforeEach(() => subject.reset())
  testCreates(subject)
  testRefusals(subject)
  testLooks(subject)
  testCancels(subject)
  testSearches(subject)
}

/** A read that gets no answer, for the simulator hangs. */
function unanswered<T>({ counts, patienceMs }: Subject, work: () => Promise<T>): Promise<T> {
  const { asked } = counts()
  return runLate(patienceMs.read, () => counts().asked > asked, work)
}

async function create(subject: Subject, marker = 1) {
  const created = await subject.provider.submit(subject.request(marker), how)
  if (created.kind !== 'created') throw new Error(`not created: ${created.reason}`)
  return { id: created.prediction_id, urls: created.urls }
}

function testCreates(subject: Subject): void {
  test('submit: a create that is answered gives the id and the addresses of its prediction', async () => {
    const answer = await subject.provider.submit(subject.request(1), how)
    expect(answer).toMatchObject({ kind: 'created', prediction_id: expect.stringMatching(/\w+/) })
    expect(answer).toMatchObject({
      urls: { get: expect.stringMatching(/^http/), cancel: expect.stringMatching(/^http/) },
    })
    expect(subject.counts()).toMatchObject({ sent: 1, created: 1 })
  })

  test.each<[string, FaultInput, number]>([
    ['reset before it took effect', { on: 'create', fault: 'reset_before' }, 0],
    ['reset after it', { on: 'create', fault: 'reset_after' }, 1],
    ['500 before it took effect', { on: 'create', fault: 'error_before', status: 500 }, 0],
    ['503 before it took effect', { on: 'create', fault: 'error_before', status: 503 }, 0],
    ['502 after it', { on: 'create', fault: 'error_after', status: 502 }, 1],
    ['504 after it', { on: 'create', fault: 'error_after', status: 504 }, 1],
    ['an answer cut short', { on: 'create', fault: 'truncated' }, 1],
    ['an answer that breaks off', { on: 'create', fault: 'truncated', reset: true }, 1],
  ])('submit: %s is of unknown fate, after exactly one request', async (_name, fault, created) => {
    subject.addFaults(fault)
    expect(await subject.provider.submit(subject.request(1), how)).toMatchObject({ kind: 'unknown' })
    expect(subject.counts()).toMatchObject({ sent: 1, created })
  })

  test.each([
    ['hang_before', 0],
    ['hang_after', 1],
  ] as const)(
    'submit: no answer in time (%s) is of unknown fate, after exactly one request',
    async (fault, created) => {
      subject.addFaults({ on: 'create', fault })
      const isHeld = () => subject.counts().sent === 1 && subject.counts().created === created
      const submit = () => subject.provider.submit(subject.request(1), how)
      expect(await runLate(subject.patienceMs.create, isHeld, submit)).toMatchObject({ kind: 'unknown' })
      expect(subject.counts()).toMatchObject({ sent: 1, created })
    },
  )
}

function testRefusals(subject: Subject): void {
  test.each<[string, FaultInput, number]>([
    ['429 with its delay in the body', { on: 'create', fault: 'rate_limited', retry_after: 17 }, 17],
    ['429 with its delay in the header', { on: 'create', fault: 'rate_limited', retry_after: 17, header: true }, 17],
    ['429 with a delay of nothing', { on: 'create', fault: 'rate_limited', retry_after: 0 }, 10],
    ['429 with a delay of a week', { on: 'create', fault: 'rate_limited', retry_after: 604_800 }, 3_600],
    ['402', { on: 'create', fault: 'no_credit' }, 300],
  ])('submit: %s is throttled, after exactly one request', async (_name, fault, retryAfterSeconds) => {
    subject.addFaults(fault)
    const answer = await subject.provider.submit(subject.request(1), how)
    expect(answer).toEqual({ kind: 'throttled', retryAfterSeconds, reason: expect.stringMatching(/\w/) })
    expect(subject.counts()).toMatchObject({ sent: 1, created: 0 })
  })

  test('submit: a key that is not known is throttled, because it is no fault of the task', async () => {
    const answer = await subject.stranger.submit(subject.request(1), how)
    expect(answer).toMatchObject({ kind: 'throttled', retryAfterSeconds: 60 })
    expect(subject.counts()).toMatchObject({ created: 0 })
  })

  test('submit: a connection that is refused has sent nothing', async () => {
    const answer = await subject.unreachable.submit(subject.request(1), how)
    expect(answer).toMatchObject({ kind: 'throttled', retryAfterSeconds: 10 })
    expect(subject.counts()).toMatchObject({ sent: 0, created: 0 })
  })

  test('submit: a request that is invalid is rejected with the provider’s words', async () => {
    subject.addFaults({ on: 'create', fault: 'rejected' })
    const answer = await subject.provider.submit(subject.request(1), how)
    expect(answer).toEqual({ kind: 'rejected', reason: expect.stringContaining('the model refused this input') })
    expect(subject.counts()).toMatchObject({ sent: 1, created: 0 })
  })
}

function testLooks(subject: Subject): void {
  test('check: a prediction runs until it is over, and then its output is there', async () => {
    const prediction = await create(subject)
    for (const seconds of [0, 2]) {
      subject.advance(seconds)
      expect(await subject.provider.check(prediction)).toEqual({ kind: 'running' })
    }
    subject.advance(3)
    expect(await subject.provider.check(prediction)).toMatchObject({ kind: 'succeeded' })
  })

  test('check: a failure is told in the provider’s words', async () => {
    subject.addFaults({ on: 'outcome', fault: 'failed', error: 'E1001: out of memory' })
    const prediction = await create(subject)
    subject.advance(5)
    const seen = await subject.provider.check(prediction)
    expect(seen).toMatchObject({ kind: 'failed', code: 'provider_failed', reason: 'E1001: out of memory' })
  })

  test('check: a word that nobody knows is not an end, but a warning', async () => {
    const prediction = await create(subject)
    subject.addFaults({ on: 'get', fault: 'unknown_status', word: 'paused' })
    const seen = await subject.provider.check(prediction)
    expect(seen).toEqual({ kind: 'running', warning: expect.stringContaining('paused') })
  })

  test('check: only 404 is missing', async () => {
    const forgotten = await create(subject)
    subject.reset()
    expect(await subject.provider.check(forgotten)).toEqual({ kind: 'missing' })
    const prediction = await create(subject)
    subject.addFaults({ on: 'get', fault: 'not_found' })
    expect(await subject.provider.check(prediction)).toEqual({ kind: 'missing' })
  })

  test.each<FaultInput>([
    { on: 'get', fault: 'error', status: 500 },
    { on: 'get', fault: 'error', status: 503 },
    { on: 'get', fault: 'rate_limited' },
    { on: 'get', fault: 'reset' },
  ])('check: $fault ($status) is unreachable, nothing more', async (fault) => {
    const prediction = await create(subject)
    subject.addFaults(fault)
    const seen = await subject.provider.check(prediction)
    expect(seen).toEqual({ kind: 'unreachable', reason: expect.stringMatching(/\w/) })
  })

  test('check: silence, a closed port and a key that is not known are unreachable', async () => {
    const prediction = await create(subject)
    subject.addFaults({ on: 'get', fault: 'hang' })
    const silence = await unanswered(subject, () => subject.provider.check(prediction))
    expect(silence).toMatchObject({ kind: 'unreachable' })
    for (const provider of [subject.unreachable, subject.stranger])
      expect(await provider.check(prediction)).toMatchObject({ kind: 'unreachable' })
  })
}

function testCancels(subject: Subject): void {
  test('cancel: what runs is over, and so is what was over before', async () => {
    const prediction = await create(subject)
    expect(await subject.provider.cancel(prediction)).toMatchObject({ kind: 'over' })
    expect(await subject.provider.check(prediction)).toMatchObject({ kind: 'failed', code: 'provider_canceled' })
    expect(await subject.provider.cancel(prediction)).toMatchObject({ kind: 'over' })
    const finished = await create(subject, 2)
    subject.advance(5)
    expect(await subject.provider.cancel(finished)).toMatchObject({ kind: 'over' })
  })

  test('cancel: what the provider does not know is missing, which once may mean not listed yet', async () => {
    const forgotten = await create(subject)
    subject.reset()
    expect(await subject.provider.cancel(forgotten)).toEqual({ kind: 'missing' })
  })

  test.each<FaultInput>([
    { on: 'cancel', fault: 'error' },
    { on: 'cancel', fault: 'error_after' },
    { on: 'cancel', fault: 'rate_limited' },
    { on: 'cancel', fault: 'reset' },
    { on: 'cancel', fault: 'reset_after' },
  ])('cancel: $fault is unreachable, and the next call ends it', async (fault) => {
    const prediction = await create(subject)
    subject.addFaults(fault)
    expect(await subject.provider.cancel(prediction)).toMatchObject({ kind: 'unreachable' })
    expect(await subject.provider.cancel(prediction)).toMatchObject({ kind: 'over' })
  })

  test('cancel: a provider that was asked and goes on is not over', async () => {
    const prediction = await create(subject)
    subject.addFaults({ on: 'cancel', fault: 'ignored' })
    expect(await subject.provider.cancel(prediction)).toEqual({ kind: 'asked' })
    expect(await subject.provider.check(prediction)).toEqual({ kind: 'running' })
  })
}

export const sum = (counts: number[]) => counts.reduce((all, count) => all + count, 0)

export const attemptOf = (subject: Subject, marker: number, submittedAt = subject.now()) => ({
  submittedAt,
  request: subject.request(marker),
  isMarked: (input: Record<string, unknown>) => subject.isMarked(input, marker),
})

function testSearches(subject: Subject): void {
  test('search: finds the prediction that carries the marker, running or over, and no other', async () => {
    const submittedAt = subject.now()
    await create(subject, 1)
    const { id } = await create(subject, 2)
    await create(subject, 3)
    for (const seconds of [0, 10]) {
      subject.advance(seconds)
      const search = await subject.provider.search(attemptOf(subject, 2, submittedAt))
      expect(search).toMatchObject({ kind: 'found', predictions: [{ prediction_id: id }] })
    }
  })

  test('search: gives doubles oldest first', async () => {
    const [first, second] = [await create(subject, 2), await create(subject, 2)]
    const search = await subject.provider.search(attemptOf(subject, 2))
    const predictions = search.kind === 'found' ? search.predictions : []
    expect(predictions.map(({ prediction_id }) => prediction_id)).toEqual([first.id, second.id])
  })

  test('search: says no more than it knows where there is none', async () => {
    expect(await subject.provider.search(attemptOf(subject, 2))).toMatchObject({ kind: subject.notFound })
    await create(subject, 1)
    expect(await subject.provider.search(attemptOf(subject, 2))).toMatchObject({ kind: subject.notFound })
  })

  test.each<FaultInput>([
    { on: 'list', fault: 'error' },
    { on: 'list', fault: 'rate_limited' },
    { on: 'list', fault: 'reset' },
    { on: 'list', fault: 'not_found' },
  ])('search: a list that answers $fault says nothing', async (fault) => {
    subject.addFaults(fault)
    expect(await subject.provider.search(attemptOf(subject, 2))).toMatchObject({ kind: 'unreachable' })
  })

  test('search: a list without an answer, or for a key that is not known, says nothing', async () => {
    subject.addFaults({ on: 'list', fault: 'hang' })
    const silence = await unanswered(subject, () => subject.provider.search(attemptOf(subject, 2)))
    expect(silence).toMatchObject({ kind: 'unreachable' })
    for (const provider of [subject.unreachable, subject.stranger])
      expect(await provider.search(attemptOf(subject, 2))).toMatchObject({ kind: 'unreachable' })
  })
}
