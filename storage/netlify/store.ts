// Netlify Blobs as a store. storage/open.ts opens it for functions, dev/blobs.ts for the tests. The client is loaded
// with the first call.
//
// Netlify gives a token with each invocation and takes the one before back, so the client is made anew for each call. The client's own
// five retries, 5 s apart, know no deadline; what it would repeat is repeated here, as often as the caller's time allows.
import type { Store } from '@netlify/blobs'
import { AppError } from '../../core/errors.ts'
import { type RetryOptions, sendWithRetries } from '../retry.ts'
import { sendBlob } from '../send.ts'
import type { BlobStore, ByteRange } from '../store.ts'

interface NetlifyOptions {
  /** For a call with a small answer, or until a file's first bytes. */
  patienceMs?: number
  /** For a part of 8 MiB to be taken. */
  partPatienceMs?: number
  /** Access that isn't the environment's. */
  access?: { siteID: string; token: string; edgeURL?: string; uncachedEdgeURL?: string; apiURL?: string }
}

export function openNetlifyStore(name: string, options: NetlifyOptions = {}, signal?: AbortSignal): BlobStore {
  const { patienceMs = 10_000, partPatienceMs = 20_000, access } = options
  const openStore = async (send: typeof fetch): Promise<Store> => {
    const { getStore } = await import('@netlify/blobs')
    return getStore({ name, consistency: 'strong', fetch: send, ...access })
  }
  const call = async <T>(work: (store: Store) => Promise<T>, { isStream = false, isPart = false } = {}): Promise<T> => {
    const sender = openSender({ patienceMs: isPart ? partPatienceMs : patienceMs, signal, isStream })
    return sender.run(async () => work(await openStore(sender.fetch)))
  }
  const open = (key: string) => call((store) => store.getWithMetadata(key, { type: 'stream' }), { isStream: true })
  return {
    head: async (key) => {
      // Not by a HEAD, after which the connection is closed. Of a blob that is there, no byte is read.
      const found = await open(key)
      await found?.data.cancel()
      return found?.metadata
    },
    read: async (key, range) => {
      const found = await open(key)
      return found ? sliced(found.data, range) : undefined
    },
    readJson: async (key) => (await call((store) => store.get(key, { type: 'json' }))) ?? undefined,
    write: async (key, bytes, metadata) => {
      await call((store) => store.set(key, bytes, metadata && { metadata }), { isPart: true })
    },
    writeJson: async (key, value) => {
      await call((store) => store.setJSON(key, value))
    },
    remove: (key) => call((store) => store.delete(key)),
    list: async function* ({ prefix, directories = false }) {
      const asked = { prefix, directories, paginate: true } as const
      const sender = openSender({ patienceMs, signal })
      const pages = await sender.run(async () => (await openStore(sender.fetch)).list(asked)[Symbol.asyncIterator]())
      for (;;) {
        const { done, value } = await sender.run(() => pages.next())
        if (done) return
        yield value
      }
    },
    until: (caller) => openNetlifyStore(name, options, caller),
  }
}

/** Netlify knows no ranges: a part comes from its beginning, until as much of it has come as is asked for. */
function sliced(whole: ReadableStream<Uint8Array>, range: ByteRange | undefined): ReadableStream<Uint8Array> {
  if (!range) return whole
  let at = 0
  return whole.pipeThrough(
    new TransformStream({
      transform: (chunk, controller) => {
        const slice = chunk.subarray(Math.max(range.start - at, 0), Math.max(range.end + 1 - at, 0))
        at += chunk.byteLength
        if (slice.byteLength > 0) controller.enqueue(slice)
        if (at > range.end) controller.terminate()
      },
    }),
  )
}

type Limits = Pick<RetryOptions, 'patienceMs' | 'signal' | 'isStream'>

/** Stands in for fetch in a client of one call, and tells that call's failures as what they are. */
function openSender(limits: Limits) {
  let failure: unknown
  return {
    fetch: async (address: string | URL | Request, init?: RequestInit): Promise<Response> => {
      try {
        const send = (signal: AbortSignal) => sendBlob(String(address), { ...init, signal })
        return await sendWithRetries(send, { store: 'The blob store', ...limits })
      } catch (error) {
        failure = error
        // No status that the client repeats. run() throws the failure itself.
        return new Response(null, { status: 400 })
      }
    },
    run: async <T>(work: () => Promise<T>): Promise<T> => {
      try {
        return await work()
      } catch (error) {
        throw failure ?? unknownStore(error) ?? error
      }
    },
  }
}

/** Where the environment names no store. */
function unknownStore(error: unknown): AppError | undefined {
  if ((error as Error).name !== 'MissingBlobsEnvironmentError') return undefined
  const detail = 'The blob store is not known: NETLIFY_BLOBS_CONTEXT is not set.'
  return new AppError('not_configured', detail, { cause: error })
}
