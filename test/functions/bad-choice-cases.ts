// The part of the malformed requests that speaks of choices, candidates and changes.
import type { Case } from './bad-input-cases.ts'

const wrongChoice = (name: string, endpoint: string, body: object, path: string, more: Partial<Case> = {}): Case => ({
  ...{ name: `${endpoint}: ${name}`, endpoint, status: 400, code: 'invalid_request', path },
  call: ({ own }) => ({ path: `/api/${endpoint}`, body: { task_id: own, step: 1, ...body } }),
  ...more,
})
const unknown = { status: 409, code: 'not_choosable' }
/** The task waits at step 1 of several, with one attempt of one file. */
export const choiceCases: Case[] = [
  ...['continue', 'choose'].flatMap((endpoint) => [
    ...[0, -1, 1.5, '1', null].map((attempt) =>
      wrongChoice(`the attempt ${attempt}`, endpoint, { attempt }, 'attempt'),
    ),
    ...[0, 1.5, '1', null].map((file) => wrongChoice(`the file ${file}`, endpoint, { attempt: 1, file }, 'file')),
    wrongChoice('an attempt that never was', endpoint, { attempt: 2 }, 'attempt', unknown),
    wrongChoice('a file that never was', endpoint, { attempt: 1, file: 2 }, 'file', unknown),
    wrongChoice('a step not at its gate', endpoint, { attempt: 1, step: 2 }, 'step', {
      status: 409,
      code: 'not_waiting',
    }),
  ]),
  wrongChoice('no attempt', 'choose', {}, 'attempt'),
  wrongChoice('no step', 'choose', { step: undefined, attempt: 1 }, 'step'),
  ...[0, 5, 1.5, '2', null].map((candidates) =>
    wrongChoice(`${candidates} candidates`, 'redo', { candidates }, 'candidates'),
  ),
  wrongChoice('more candidates than the model makes', 'redo', { candidates: 2 }, 'candidates'),
  ...['continue', 'redo'].flatMap((endpoint) => [
    wrongChoice('a change that is a word', endpoint, { change: 'red' }, 'change'),
    wrongChoice('a change that is null', endpoint, { change: null }, 'change'),
    wrongChoice('a change that is a list', endpoint, { change: ['red'] }, 'change'),
  ]),
]
