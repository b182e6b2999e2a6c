// Deleting, sharing and signing out, as the client does it. client.ts takes these calls into the whole.
import type { Deleted, Links, Shared } from '../../core/privacy-answers.ts'
import { readJson, requireEmpty } from './answer.ts'
import type { Ask, Post } from './request.ts'

export function openPrivacy(ask: Ask, post: Post) {
  const remove = (what: object) => post<Deleted>('/api/delete', what, ['deleted', 'erased'])
  return {
    /** For good. `erased: false`: what is left is noted, and goes later. */
    delete: (what: { taskId: string } | { upload: string }) =>
      remove('taskId' in what ? { task_id: what.taskId } : what),
    /** All that this user has, and the session. Asked without a confirmation, it gives one, good for ten minutes. */
    deleteEverything: {
      ask: async () => (await post<{ confirm: string }>('/api/delete', { everything: true }, ['confirm'])).confirm,
      confirm: (confirm: string) => remove({ everything: true, confirm }),
    },
    /** A page with the newest picture, or this one, for anybody who has its address; `before` shows what it began with, too. */
    share: async (taskId: string, picture: { step?: number; attempt?: number; file?: number; before?: boolean } = {}) =>
      (await post<Shared>('/api/share', { task_id: taskId, ...picture }, ['url'])).url,
    /** The links that there are to pictures of this task, the newest first. */
    shares: (taskId: string, signal?: AbortSignal) =>
      ask(`/api/share?${new URLSearchParams({ task_id: taskId })}`, { signal }, (response) =>
        readJson<Links>(response, ['links']),
      ).then(({ links }) => links),
    /** Gives how many links are dead now. */
    unshare: async (taskId: string, { step }: { step?: number } = {}) =>
      (await post<{ revoked: number }>('/api/share', { task_id: taskId, step, revoke: true }, ['revoked'])).revoked,
    /** Signs out: the session's tokens are refused from now on. */
    endSession: () => ask('/api/session/end', { method: 'POST' }, requireEmpty),
  }
}
