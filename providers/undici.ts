// undici's agent, and a request over it. requests.ts and download.ts load it with their first request. Its two files are
// named, because the index brings WebSocket, caches, mocks and proxies as well: three times as much to read before a provider is asked.
/// <reference path="./undici-parts.d.ts" />
import type { Dispatcher } from 'undici'
import send from 'undici/lib/api/api-request.js'
import Agent from 'undici/lib/dispatcher/agent.js'

export { Agent }

export const request = (agent: Dispatcher, options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> =>
  send.call(agent, options)
