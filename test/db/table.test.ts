// The table itself: it takes a row in every lawful state and refuses the rest, each by the constraint that says why.
import { expect, test } from 'vitest'
import { insertRows, insertTask, later, type Row, type State, stateNames, states, taskRow } from '../setup/factory.ts'
import { each, insertState, noon, overBoth, read, useDatabase } from './setup.ts'

const { over } = useDatabase()
const token = crypto.randomUUID()
const at = noon
const taken = '018f0000-0000-7000-8000-000000000000'
const attempt = { claim_token: token, submitted_at: at, deadline_at: later(at, 9), due_at: at }
const allStates = stateNames

test.each(overBoth(allStates.map((state) => [state])))('%s: a task may be %s', async (driver, state) => {
  const db = over(driver)
  const task = await insertState(db, state)
  expect(await read(db, task)).toEqual(task)
})

/** The constraint, what is wrong, the lawful state that it is put into, and the fault. */
const faults: [string, string, State, Partial<Row>][] = [
  ['tasks_pkey', 'a second task of one id', 'pending', { id: taken }],
  ['tasks_user_id_check', 'nobody', 'pending', { user_id: '' }],
  ['tasks_user_id_check', 'an endless user', 'pending', { user_id: 'x'.repeat(301) }],
  ['tasks_recipe_check', 'no recipe', 'pending', { recipe: '' }],
  ['tasks_status_check', 'an unknown status', 'waiting_continue', { status: 'queued' as 'pending' }],
  ['tasks_phase_check', 'an unknown phase', 'submitting', { phase: 'lost' as 'running' }],
  ['tasks_total_steps_check', 'no steps', 'canceled', { total_steps: 0, current_step: 0 }],
  ['tasks_total_steps_check', 'too many steps', 'pending', { total_steps: 1_001 }],
  ['tasks_steps_check', 'steps that are no list', 'pending', { steps: {} as [] }],
  ['tasks_strays_check', 'strays that are no list', 'pending', { strays: {} as [] }],
  ['tasks_attempt_check', 'a negative attempt', 'pending', { attempt: -1 }],
  ['tasks_misses_check', 'negative misses', 'pending', { misses: -1 }],
  ['tasks_idempotency_key_check', 'an empty key', 'pending', { idempotency_key: '' }],
  ['tasks_step_in_range', 'a step after the last', 'running', { current_step: 4 }],
  ['tasks_step_in_range', 'a step before the first', 'canceled', { current_step: -1 }],
  ['tasks_next_step_while_pending', 'pending without a next step', 'pending', { next_step: null }],
  ['tasks_next_step_while_pending', 'a next step while it runs', 'running', { next_step: 2 }],
  ['tasks_next_step_while_pending', 'a step skipped', 'pending', { next_step: 2 }],
  ['tasks_next_step_while_pending', 'a step back', 'pending', { current_step: 2, next_step: 1 }],
  ['tasks_next_step_while_pending', 'a next step after the last', 'pending', { current_step: 3, next_step: 4 }],
  ['tasks_next_step_while_pending', 'a next step 0', 'pending', { current_step: 0, next_step: 0 }],
  [
    'tasks_phase_of_status',
    'processing without a phase',
    'running',
    { phase: null, claim_token: null, prediction_id: null },
  ],
  ['tasks_phase_of_status', 'pending with a phase', 'pending', { ...attempt, phase: 'submitting' }],
  [
    'tasks_phase_of_status',
    'canceled with a prediction',
    'canceled',
    { ...attempt, phase: 'running', prediction_id: 'p' },
  ],
  ['tasks_phase_of_status', 'failed with a phase', 'failed', { ...attempt, phase: 'unconfirmed' }],
  ['tasks_claim_of_phase', 'an attempt without a claim', 'running', { claim_token: null }],
  ['tasks_claim_of_phase', 'a claim without an attempt', 'waiting_continue', { claim_token: token }],
  ['tasks_prediction_of_phase', 'running without a prediction', 'running', { prediction_id: null }],
  ['tasks_prediction_of_phase', 'submitting with a prediction', 'submitting', { prediction_id: 'p' }],
  ['tasks_prediction_of_phase', 'a prediction without an attempt', 'completed', { prediction_id: 'p' }],
  ['tasks_output_while_storing', 'storing nothing', 'storing', { output: null }],
  ['tasks_output_while_storing', 'an output while it runs', 'running', { output: [] }],
  ['tasks_attempt_has_instants', 'an attempt without a limit', 'running', { deadline_at: null }],
  ['tasks_attempt_has_instants', 'an attempt without its beginning', 'running', { submitted_at: null }],
  ['tasks_gate_has_deadline', 'a gate without an end', 'waiting_continue', { deadline_at: null }],
  ['tasks_finished_at_of_ending', 'an ending without an instant', 'completed', { finished_at: null, due_at: at }],
  ['tasks_finished_at_of_ending', 'an instant without an ending', 'running', { finished_at: at }],
  ['tasks_error_of_failed', 'failed without a code', 'failed', { error_code: null }],
  ['tasks_error_of_failed', 'failed without words', 'failed', { error_message: null }],
  ['tasks_result_of_completed', 'completed without a result', 'completed', { result_url: null }],
  ['tasks_result_of_completed', 'a result before the end', 'waiting_continue', { result_url: '/api/result' }],
  ['tasks_due_while_unfinished', 'pending for ever', 'pending', { due_at: null }],
  ['tasks_due_while_unfinished', 'waiting for ever', 'waiting_continue', { due_at: null }],
  ['tasks_due_while_unfinished', 'canceled and open for ever', 'canceled while submitting', { due_at: null }],
]

const faulty = (state: State, fault: Partial<Row>): Row => ({ ...taskRow({ at, ...states[state] }), ...fault })

test.each(overBoth(faults))('%s: %s refuses %s', async (driver, constraint, _, state, fault) => {
  const db = over(driver)
  await insertTask(db, { id: taken, status: 'completed' })
  await expect(insertRows(db, [faulty(state, fault)])).rejects.toMatchObject({ name: 'DatabaseError', constraint })
})

/** Rows that the engine could not move on: a CHECK keeps them out. */
const stuck: [string, State, Partial<Row>][] = [
  ['waiting after the last step', 'waiting_continue', { current_step: 3 }],
  ['waiting before the first step', 'waiting_continue', { current_step: 0 }],
  ['an attempt of no step', 'running', { current_step: 0 }],
  ['completed before the last step', 'completed', { current_step: 1 }],
]
test.each(overBoth(stuck))('%s: the table refuses %s', async (driver, _, state, fault) => {
  await expect(insertRows(over(driver), [faulty(state, fault)])).rejects.toMatchObject({ code: '23514' })
})

each('%s: a key belongs to one task of a user, and a lock to one unfinished task', async (driver) => {
  const db = over(driver)
  await insertState(db, 'running', { idempotency_key: 'key', lock_key: 'lock' })
  const second = insertState(db, 'pending', { idempotency_key: 'key' })
  await expect(second).rejects.toMatchObject({ code: '23505', constraint: 'tasks_idempotency' })
  const rival = insertState(db, 'waiting_continue', { user_id: 'bob', lock_key: 'lock' })
  await expect(rival).rejects.toMatchObject({ code: '23505', constraint: 'tasks_lock' })
  await insertState(db, 'completed', { user_id: 'bob', lock_key: 'lock', idempotency_key: 'key' })
})
