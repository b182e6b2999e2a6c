// What erasing means beside the deletion itself: what is left of a task whose provider may still be at work, and how a person confirms
// that everything is to go.

/** The owner of what is left of an erased task. No user's id is like it: those are UUIDs, or begin with `auth:` or `telegram:`. */
export const erasedUser = 'erased'

/** The input of such a task: what its open attempt is looked for by in the provider's list. */
export interface Stub {
  model: string
  /** Whether the request carried a marker of its attempt: without one, not to be found proves nothing. */
  marked: boolean
}

/** A prediction whose provider deletes its data when asked to. */
export interface ProviderRecord {
  provider: string
  id: string
}

/**
 * How long a function that has read a task may still write for it: a function lives for a minute, and a copy on a machine of one's own is
 * given up before that.
 */
export const quietSeconds = 180

/** After so long without success, a provider is asked no more. It deletes what it has by its own rules. */
export const askProviderSeconds = 2 * 24 * 3_600

/** How long a person may take to confirm that everything is to go. */
export const confirmSeconds = 600

export function stubOf(input: unknown): Stub | undefined {
  if (typeof input !== 'object' || input === null) return undefined
  const { model, marked } = input as Partial<Stub>
  return typeof model === 'string' ? { model, marked: marked === true } : undefined
}

/** Whether the user has no account: once their session is gone, nobody comes back as them. An identity provider's user may begin anew. */
export const isAnonymous = (userId: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(userId)
