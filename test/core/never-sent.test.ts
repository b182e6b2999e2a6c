// Only a failure to connect is proof that nothing was sent.
import { expect, test } from 'vitest'
import { isNeverSent } from '../../core/never-sent.ts'

const failed = (code: string, syscall?: string) => Object.assign(new Error(code), { code, ...(syscall && { syscall }) })
const refused = failed('ECONNREFUSED', 'connect')
const dropped = failed('EHOSTUNREACH', 'write')

test.each([
  ['a refused connection', refused],
  ['a name that is not known', failed('ENOTFOUND', 'getaddrinfo')],
  ['a name server that does not answer', failed('EAI_AGAIN', 'getaddrinfo')],
  ['a host without a way to it', failed('EHOSTUNREACH', 'connect')],
  ['a network without a way to it', failed('ENETUNREACH', 'connect')],
  ['a connection that was not made in time', failed('UND_ERR_CONNECT_TIMEOUT')],
  ['a fetch that wraps one of these', new TypeError('fetch failed', { cause: refused })],
  ['a name whose addresses all refuse', new AggregateError([refused, failed('ETIMEDOUT', 'connect')])],
])('isNeverSent() is sure of %s', (_, error) => {
  expect(isNeverSent(error)).toBe(true)
})

test.each([
  ['a host that went away during the request', dropped],
  ['a network that went away during the answer', failed('ENETUNREACH', 'read')],
  ['a connection that was reset', failed('ECONNRESET', 'read')],
  ['a code without what was tried', failed('ECONNREFUSED')],
  ['a socket that was closed', failed('UND_ERR_SOCKET')],
  ['a timeout', new DOMException('late', 'TimeoutError')],
  ['addresses of which one was reached', new AggregateError([refused, dropped])],
  ['no errors at all', new AggregateError([])],
  ['what is no error', 'ECONNREFUSED'],
  ['nothing', undefined],
])('isNeverSent() is not sure of %s', (_, error) => {
  expect(isNeverSent(error)).toBe(false)
})
