// Every endpoint as callers see it: what it takes, what it answers, and which refusals it knows. Made of the schemas that the endpoints
// themselves use; openapi.ts alone loads it, so that no other function pays for it.

import {
  pushOfferSchema,
  recipesSchema,
  sessionSchema,
  startedSchema,
  taskPageSchema,
  taskViewSchema,
  telegramLinkSchema,
  telegramLinksSchema,
  thankedSchema,
  uploadedSchema,
  usageSchema,
} from '../../core/answers.ts'
import { checkedSchema, healthySchema, recoveredSchema, workedSchema } from '../../core/operator-answers.ts'
import { providers } from '../../providers/index.ts'
import { cancelBody } from '../cancel.ts'
import { chooseBody } from '../choose.ts'
import { continueBody } from '../continue.ts'
import { pushBody } from '../push.ts'
import { redoBody } from '../redo.ts'
import { resultQuery } from '../result.ts'
import { statusQuery } from '../status.ts'
import { tasksQuery } from '../tasks.ts'
import { telegramLinkBody } from '../telegram-link.ts'
import { uploadQuery } from '../upload.ts'
import { ofPrivacy } from './contract-privacy.ts'
import { sessionBody } from './human-check.ts'
import { bodyProblems, file, json, type Operation, spendingProblems, unseen, view } from './operation.ts'

const ofTasks: Operation[] = [
  {
    ...{ path: '/api/start', method: 'post', id: 'start', tag: 'tasks', for: 'user', body: 'start' },
    does: 'Starts a task. After 202 it reaches an end, whatever crashes.',
    requestHeaders: ['idempotency-key'],
    answers: {
      200: json('The task that this Idempotency-Key started before.', startedSchema),
      202: json('Accepted.', startedSchema),
    },
    problems: [
      'rate_limited',
      ...bodyProblems,
      ...(['already_running', 'idempotency_mismatch', 'quota_exceeded', 'storage_exceeded'] as const),
      ...(['not_found', 'not_choosable'] as const),
      ...spendingProblems,
    ],
  },
  {
    ...{ path: '/api/status', method: 'get', id: 'status', tag: 'tasks', for: 'user', query: statusQuery },
    does: 'Shows a task. A poll of a due task also moves it on.',
    requestHeaders: ['if-none-match'],
    answers: {
      200: { says: 'The task.', json: taskViewSchema, headers: ['etag', 'retry-after'] },
      304: { ...unseen, headers: ['etag', 'retry-after'] },
    },
    problems: ['invalid_request', 'not_found'],
  },
  {
    ...{ path: '/api/tasks', method: 'get', id: 'tasks', tag: 'tasks', for: 'user', query: tasksQuery },
    does: 'Lists the user’s tasks, newest first.',
    answers: { 200: json('A page of tasks.', taskPageSchema) },
    problems: ['invalid_request'],
  },
  {
    ...{ path: '/api/continue', method: 'post', id: 'continue', tag: 'tasks', for: 'user', body: continueBody },
    does:
      'Approves the step just shown: the next one begins, or with `all` every one to the end. `attempt` and `file` choose whose picture it is ' +
      'made of; `change` says what is to be otherwise with it.',
    answers: { 200: view('Nothing changed: the task has moved on from this step already.'), 202: view('Goes on.') },
    problems: [...bodyProblems, 'not_found', 'not_waiting', 'not_choosable', 'budget_exceeded'],
  },
  {
    ...{ path: '/api/choose', method: 'post', id: 'choose', tag: 'tasks', for: 'user', body: chooseBody },
    does: 'Makes another attempt’s picture, or another candidate, the result of the step at its gate, or of a completed task. Nothing is paid.',
    answers: { 200: view('It is the result. The same choice again changes nothing.') },
    problems: [...bodyProblems, 'not_found', 'not_waiting', 'not_choosable'],
  },
  {
    ...{ path: '/api/redo', method: 'post', id: 'redo', tag: 'tasks', for: 'user', body: redoBody },
    does: 'Runs the step just shown, or the failed one, again; a repeat that names the `step` and `attempt` that were seen changes nothing.',
    answers: {
      200: view('Nothing changed: the task has moved on from this step or attempt already.'),
      202: view('Runs again.'),
    },
    problems: [
      'rate_limited',
      ...bodyProblems,
      ...(['not_found', 'not_waiting', 'already_finished', 'attempts_exceeded', 'already_running'] as const),
      ...(['quota_exceeded', ...spendingProblems] as const),
    ],
  },
  {
    ...{ path: '/api/cancel', method: 'post', id: 'cancel', tag: 'tasks', for: 'user', body: cancelBody },
    does: 'Ends a task, at the provider too. What was stored stays.',
    answers: { 200: view('Canceled.') },
    problems: [...bodyProblems, 'not_found', 'already_finished'],
  },
]

const ofPeople: Operation[] = [
  {
    ...{ path: '/api/usage', method: 'get', id: 'usage', tag: 'users', for: 'user' },
    does: 'Tells what the user has spent today and this month, and what is left.',
    answers: { 200: json('In millionths of a US dollar.', usageSchema) },
    problems: [],
  },
  {
    ...{ path: '/api/push', method: 'get', id: 'push-key', tag: 'tasks', for: 'anyone' },
    does: 'Tells the key that a browser subscribes with, to be told of tasks with the page closed.',
    answers: { 200: json('The key, or null where push is off.', pushOfferSchema) },
    problems: ['rate_limited'],
  },
  {
    ...{ path: '/api/push', method: 'post', id: 'push', tag: 'tasks', for: 'user', body: pushBody },
    does: 'Takes a browser’s push subscription; with `remove` it is told no more.',
    answers: { 200: json('Removed.', pushOfferSchema), 201: json('Taken.', pushOfferSchema) },
    problems: ['rate_limited', ...bodyProblems],
  },
]

const ofTelegram: Operation[] = [
  {
    ...{ path: '/api/telegram', method: 'post', id: 'telegram', tag: 'telegram', for: 'anyone', body: 'webhook' },
    does: 'Takes an update for the bot, with X-Telegram-Bot-Api-Secret-Token.',
    answers: { 200: { says: 'Handled, or under way.' } },
    problems: [...bodyProblems, 'bad_signature'],
  },
  {
    ...{ path: '/api/telegram-link', method: 'get', id: 'telegram-links', tag: 'telegram', for: 'user' },
    does: 'Tells whether there is a bot here, and which chats are told of the user’s tasks.',
    answers: { 200: json('The chats.', telegramLinksSchema) },
    problems: ['rate_limited'],
  },
  {
    ...{ path: '/api/telegram-link', method: 'post', id: 'telegram-link', tag: 'telegram', for: 'user' },
    body: telegramLinkBody,
    does: 'Makes a one-time link that lets a chat be told of the user’s tasks; with `remove` no chat is told any more.',
    answers: {
      200: json('With `remove`: the chats, none.', telegramLinksSchema),
      201: json('The link.', telegramLinkSchema),
    },
    problems: ['rate_limited', ...bodyProblems],
  },
]

const ofFiles: Operation[] = [
  {
    ...{ path: '/api/result', method: 'get', id: 'result', tag: 'files', for: 'user', query: resultQuery },
    does: 'Gives a step’s stored result. (Providers fetch such files by signed links, which the functions make.)',
    requestHeaders: ['if-none-match', 'range'],
    answers: {
      200: { says: 'The file.', ...file },
      206: { says: 'The part that was asked for.', ...file, headers: ['etag', 'content-range'] },
      304: unseen,
    },
    problems: ['invalid_request', 'not_found', 'range_not_satisfiable', 'bad_signature', 'link_expired'],
  },
  {
    ...{ path: '/api/upload', method: 'post', id: 'upload', tag: 'files', for: 'user', body: 'upload' },
    does: 'Takes an image of up to 4 MB, sets it upright and strips its metadata; or a zip file of photos, which is written anew of nothing but its photos, treated so too. Kept for a day.',
    answers: { 201: json('Stored.', uploadedSchema) },
    problems: ['rate_limited', 'invalid_request', 'body_too_large', 'unsupported_media_type', 'origin_not_allowed'],
  },
  {
    ...{ path: '/api/upload', method: 'get', id: 'uploaded', tag: 'files', for: 'user', query: uploadQuery },
    does: 'Shows an upload to its owner.',
    requestHeaders: ['if-none-match', 'range'],
    answers: {
      200: { says: 'The image.', isFile: true, headers: ['etag'] },
      206: { says: 'The part that was asked for.', isFile: true, headers: ['etag', 'content-range'] },
      304: unseen,
    },
    problems: ['rate_limited', 'invalid_request', 'not_found', 'range_not_satisfiable'],
  },
]

const pings: Operation[] = (['get', 'post'] as const).flatMap((method) =>
  (
    [
      ['worker', 'Submits what is due.', workedSchema],
      ['checker', 'Checks what is due.', checkedSchema],
      [
        'recover',
        'Looks even when all seems idle, and sweeps now what other triggers sweep once an hour: old uploads, and finished tasks after KEEP_FINISHED_DAYS.',
        recoveredSchema,
      ],
    ] as const
  ).map(
    ([name, does, schema]): Operation => ({
      ...{
        path: `/api/${name}`,
        method,
        id: method === 'get' ? name : `${name}-by-post`,
        tag: 'pings',
        for: 'cron',
        does,
      },
      answers: { 200: json('What was done so far.', schema) },
      problems: ['unauthenticated'],
    }),
  ),
)

const webhooks: Operation[] = providers.map(({ name }) => ({
  ...{ path: `/api/webhook/${name}`, method: 'post', id: `webhook-${name}`, tag: 'providers', for: 'anyone' },
  does: 'Takes a report at an address that was made for one attempt.',
  body: 'webhook',
  answers: { 200: json('Stored, or known already.', thankedSchema) },
  problems: ['bad_signature', 'not_found', 'invalid_request', 'body_too_large'],
}))

export const operations: readonly Operation[] = [
  {
    ...{ path: '/api/session', method: 'post', id: 'session', tag: 'users', for: 'anyone', body: sessionBody },
    does: 'Makes an anonymous user, or extends the session that is sent along.',
    answers: { 201: { says: 'The session.', json: sessionSchema, headers: ['set-cookie'] } },
    problems: ['rate_limited', ...bodyProblems, 'not_found', 'human_check_required'],
  },
  ...ofTasks,
  ...ofPeople,
  ...ofPrivacy,
  ...ofFiles,
  ...ofTelegram,
  ...pings,
  ...webhooks,
  {
    ...{ path: '/api/health', method: 'get', id: 'health', tag: 'about', for: 'anyone, or cron' },
    does: 'Whether the database answers. To the cron secret, also how things stand.',
    ...{ answers: { 200: json('The database answers.', healthySchema) }, problems: ['rate_limited'] },
  },
  {
    ...{ path: '/api/recipes', method: 'get', id: 'recipes', tag: 'about', for: 'anyone' },
    does: 'Lists the recipes that are offered here, with what a form for each needs.',
    ...{ answers: { 200: json('Those whose provider’s key is set.', recipesSchema) }, problems: [] },
  },
  {
    ...{ path: '/api/openapi.json', method: 'get', id: 'openapi', tag: 'about', for: 'anyone' },
    does: 'This document.',
    ...{ answers: { 200: { says: 'An OpenAPI 3.1 document.' } }, problems: [] },
  },
]
