// What fal answers besides results: errors of the queue itself, and those of a gateway in front of it, which is another thing.

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  Response.json(body, { status, headers })

export const unauthenticated = () => json({ detail: 'Cannot access application. Authentication is required.' }, 401)

/** By the platform's API, to a key that may only run models. */
export const notAdmin = () =>
  json({ error: { type: 'authorization_error', message: 'This endpoint requires an Admin API key.' } }, 403)

/** An account without credit. */
export const locked = () =>
  json({ detail: 'User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing.' }, 403)

export const notFound = (what = 'Request') => json({ detail: `${what} not found`, status: 'NOT_FOUND' }, 404)

/** Where the delay stands isn't documented, so nobody may rely on one place. */
export const rateLimited = (retryAfter: number, inHeader = true) =>
  inHeader
    ? json({ detail: 'Too many requests' }, 429, { 'retry-after': String(retryAfter) })
    : json({ detail: 'Too many requests', retry_after: retryAfter }, 429)

interface FieldFault {
  readonly loc: readonly (string | number)[]
  readonly msg: string
  readonly type: string
}

/** As FastAPI lists what is wrong with an input. */
export const invalid = (detail: readonly FieldFault[]) => json({ detail }, 422)

/** From a proxy before the queue: no JSON, and no request id of fal's. */
export const gatewayError = (status: number) =>
  new Response(`<html><head><title>${status}</title></head><body><center>nginx</center></body></html>`, {
    status,
    headers: { 'content-type': 'text/html' },
  })
