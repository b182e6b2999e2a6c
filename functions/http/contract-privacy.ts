// The part of the contract by which people delete, share and sign out. contract.ts takes it into the whole.
import * as z from 'zod'
import { confirmSchema, deletedSchema, linksSchema, revokedSchema, sharedSchema } from '../../core/privacy-answers.ts'
import { deleteBody } from '../delete.ts'
import { shareBody, shareQuery } from '../share.ts'
import { bodyProblems, json, type Operation, unseen } from './operation.ts'

export const ofPrivacy: readonly Operation[] = [
  {
    ...{ path: '/api/delete', method: 'post', id: 'delete', tag: 'users', for: 'user', body: deleteBody },
    does: 'Deletes a task, an upload, or everything for good. A running task is canceled first; everything is asked for twice.',
    answers: {
      200: {
        says: 'Deleted; or, to `everything` alone, what to confirm with.',
        json: z.union([deletedSchema, confirmSchema]),
        headers: ['set-cookie'],
      },
    },
    problems: ['rate_limited', ...bodyProblems, 'not_found', 'confirm_expired'],
  },
  {
    ...{ path: '/api/share', method: 'post', id: 'share', tag: 'files', for: 'user', body: shareBody },
    does: 'Makes a link that shows one picture of a task to anybody, or with `revoke` ends its links.',
    answers: { 200: json('Revoked.', revokedSchema), 201: json('The link.', sharedSchema) },
    problems: ['rate_limited', ...bodyProblems, 'not_found'],
  },
  {
    ...{ path: '/api/share', method: 'get', id: 'shared', tag: 'files', for: 'anyone, or user', query: shareQuery },
    does: 'The page of a shared picture; with `picture` the picture itself; with `task_id`, to its owner, the links of a task.',
    requestHeaders: ['if-none-match', 'range'],
    answers: {
      200: { says: 'The page, the picture, or the links.', json: linksSchema, isFile: true, headers: ['etag'] },
      206: { says: 'The part that was asked for.', isFile: true, headers: ['etag', 'content-range'] },
      304: unseen,
    },
    problems: ['rate_limited', 'invalid_request', 'not_found', 'range_not_satisfiable'],
  },
  {
    ...{ path: '/api/session/end', method: 'post', id: 'session-end', tag: 'users', for: 'user' },
    does: 'Signs out: every token of the session is refused from then on.',
    answers: { 204: { says: 'Ended.', headers: ['set-cookie'] } },
    problems: ['rate_limited', 'origin_not_allowed'],
  },
]
