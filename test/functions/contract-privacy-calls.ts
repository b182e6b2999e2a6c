// The calls with which contract.test.ts asks to delete, to share and to sign out.
import type { Uploaded } from '../../core/answers.ts'
import { shareTask } from '../../db/statements/shares.ts'
import { upload } from '../../functions/upload.ts'
import type { Call } from '../setup/client.ts'
import type { Instance } from '../setup/deps.ts'
import { png } from '../storage/setup.ts'
import { type Ask, ask, evil, nobody, ofBody, post } from './contract-calls.ts'

/** A link to ada's completed task. */
const share = 'shared-picture-of-ada0'
/** What goes: an upload and a task of ada's, and a session of eve's. */
const doomed = { upload: '', task: '', session: '' }

export async function prepare(app: Instance, token: string, completed: string, task: string): Promise<void> {
  const uploaded = await app.call(upload, { path: '/api/upload', body: new Uint8Array(png(100)), token })
  Object.assign(doomed, { upload: ((await uploaded.json()) as Uploaded).url, task, session: await app.signIn('eve') })
  const picture = { task_id: completed, user_id: 'ada', step: 1, attempt: 1, file: 1, with_before: false }
  await shareTask(app.deps.db, { id: share, ...picture, now: app.deps.now?.() })
}

const shown = (headers: Record<string, string> = {}): Call => ({
  ...{ path: `/api/share?id=${share}&picture=after`, headers },
})

/** What goes is asked for last. */
export const privacy: readonly Ask[] = [
  ...['share', 'delete'].flatMap((name) => [
    ...ofBody(`post /api/${name}`),
    ask(`post /api/${name}`, 404, () => post(`/api/${name}`, { task_id: nobody }), { code: 'not_found' }),
  ]),
  ask('post /api/share', 201, ({ completed }) => post('/api/share', { task_id: completed, step: 1 })),
  ask('get /api/share', 200, () => ({ path: `/api/share?id=${share}` }), { isAnonymous: true }),
  ask('get /api/share', 200, () => shown(), { isAnonymous: true }),
  ask('get /api/share', 200, ({ completed }) => ({ path: `/api/share?task_id=${completed}` })),
  ask('get /api/share', 401, ({ completed }) => ({ path: `/api/share?task_id=${completed}` }), {
    ...{ code: 'unauthenticated', isAnonymous: true },
  }),
  ask('get /api/share', 404, () => ({ path: `/api/share?task_id=${nobody}` }), { code: 'not_found' }),
  ask('get /api/share', 206, () => shown({ range: 'bytes=1-2' })),
  ask('get /api/share', 304, () => shown({ 'if-none-match': '*' })),
  ask('get /api/share', 416, () => shown({ range: 'bytes=9999999-' }), { code: 'range_not_satisfiable' }),
  ask('get /api/share', 400, () => ({ path: '/api/share' }), { code: 'invalid_request' }),
  ask('get /api/share', 404, () => ({ path: `/api/share?id=${'x'.repeat(22)}` }), { code: 'not_found' }),
  ask('post /api/share', 200, ({ completed }) => post('/api/share', { task_id: completed, revoke: true })),
  ask('post /api/delete', 200, () => post('/api/delete', { upload: doomed.upload })),
  ask('post /api/delete', 200, () => post('/api/delete', { task_id: doomed.task })),
  ask('post /api/delete', 200, () => post('/api/delete', { everything: true })),
  ask('post /api/delete', 409, () => post('/api/delete', { everything: true, confirm: '1.x' }), {
    code: 'confirm_expired',
  }),
  ask('post /api/session/end', 403, () => post('/api/session/end', '', evil), {
    ...{ code: 'origin_not_allowed', isAnonymous: true },
  }),
  ask('post /api/session/end', 204, () => post('/api/session/end', '', { authorization: `Bearer ${doomed.session}` })),
  ask('post /api/session/end', 401, () => post('/api/session/end', '', { authorization: `Bearer ${doomed.session}` }), {
    code: 'unauthenticated',
  }),
]
