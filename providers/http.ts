// HTTP to providers and receivers as the engine sees it: requests, answers and files. How they are sent (requests.ts) is loaded with the
// first call, because most requests to us need none.
import type { HttpOptions, HttpRequest, HttpResponse } from './connection.ts'
import type { Download } from './download.ts'

export interface Http {
  send(request: HttpRequest): Promise<HttpResponse>
  /**
   * A file's bytes, redirects followed, from byte `start` on where the other side can do that (`start` of the answer says so). The
   * stream ends with an error when `signal` fires or the other side stalls. Throws `ForbiddenAddress` where it would have to leave
   * the public web.
   */
  download(url: string, signal: AbortSignal, start?: number): Promise<Download>
  close(): Promise<void>
}

export function openHttp(options: HttpOptions): Http {
  let opening: Promise<Http> | undefined
  const opened = () => {
    opening ??= import('./requests.ts').then(({ openRequests }) => openRequests(options))
    return opening
  }
  return {
    send: async (request) => (await opened()).send(request),
    download: async (url, signal, start) => (await opened()).download(url, signal, start),
    close: async () => (await opening)?.close(),
  }
}
