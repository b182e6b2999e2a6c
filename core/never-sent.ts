// Tells whether a request that failed, to the database or to a provider, certainly never reached the other side. db/driver/errors.ts and
// providers/requests.ts ask before they send one again.

interface SocketError extends Error {
  code?: unknown
  /** What the operating system was asked to do; `connect` and `getaddrinfo` come before any byte. */
  syscall?: unknown
}

/** True only where no connection was made, so that nothing can have been accepted. */
export function isNeverSent(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // A name with several addresses gives one error for each.
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(isNeverSent)
  const { code, syscall, cause } = error as SocketError
  if (syscall === 'connect' || syscall === 'getaddrinfo' || code === 'UND_ERR_CONNECT_TIMEOUT') return true
  return isNeverSent(cause)
}
