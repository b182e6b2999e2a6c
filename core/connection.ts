// Whether a request that failed can have reached the other side: asked of the database's errors and of providers' alike. It promises
// to say "never sent" only where no connection was made, so that nothing can have been accepted.

interface SocketError extends Error {
  code?: unknown
  /** What the operating system was asked to do; `connect` and `getaddrinfo` come before any byte. */
  syscall?: unknown
}

export function isNeverSent(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // A name with several addresses gives one error for each.
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(isNeverSent)
  const { code, syscall, cause } = error as SocketError
  if (syscall === 'connect' || syscall === 'getaddrinfo' || code === 'UND_ERR_CONNECT_TIMEOUT') return true
  return isNeverSent(cause)
}
