// An S3-compatible bucket as a store: R2, AWS, Supabase, MinIO and others. storage/open.ts opens it. It needs no conditional writes. A file
// of several parts becomes one object, so that a presigned address gives it whole.
import { type BlobStore, StoreFault } from '../store.ts'
import { isMissing, requireOk } from './answer.ts'
import { openS3Client, type S3Access, type S3Client } from './client.ts'
import { abandon, compose, uploadNoted } from './compose.ts'
import { listAll, listFolders } from './list.ts'

interface S3Options {
  /** For a call, until its answer's first bytes. A part of 8 MiB must get through. */
  patienceMs?: number
}

/** `name` is the first part of every key in the bucket. */
export function openS3Store(access: S3Access, name: string, { patienceMs = 20_000 }: S3Options = {}): BlobStore {
  return storeOver(openS3Client(access, patienceMs), name)
}

/** Metadata is one header of JSON in ASCII; S3 allows 2 kB of it. */
const metadataHeader = 'x-amz-meta-stepgate'

function storeOver(client: S3Client, name: string): BlobStore {
  const keyOf = (key: string) => `${name}/${key}`
  return {
    head: async (key) => {
      const answer = await client.send({ method: 'HEAD', key: keyOf(key) })
      if (answer.status !== 404) {
        await requireOk(answer, 'HEAD')
        return metadataOf(answer)
      }
      // Without words it doesn't tell a missing file from a missing bucket; the answer to a GET does.
      const told = await client.send({ method: 'GET', key: keyOf(key), isStream: true })
      if (await isMissing(told)) return undefined
      await told.body?.cancel()
      return metadataOf(told)
    },
    read: async (key, range) => {
      const headers = range && { range: `bytes=${range.start}-${range.end}` }
      const answer = await client.send({ method: 'GET', key: keyOf(key), isStream: true, ...(headers && { headers }) })
      if (await isMissing(answer)) return undefined
      return answer.body ?? new Blob([]).stream()
    },
    readJson: async (key) => {
      const answer = await client.send({ method: 'GET', key: keyOf(key) })
      if (await isMissing(answer)) return undefined
      return answer.json().catch((cause: unknown) => {
        throw new StoreFault('The S3 store gave a record that is cut short', { cause })
      })
    },
    write: (key, bytes, metadata = {}, type = 'application/octet-stream') =>
      put(client, keyOf(key), bytes, headersOf(metadata, type)),
    writeJson: (key, value) => put(client, keyOf(key), JSON.stringify(value), headersOf({}, 'application/json')),
    remove: async (key) => {
      const noted = uploadNoted(keyOf(key))
      if (noted) await abandon(client, noted)
      const answer = await client.send({ method: 'DELETE', key: keyOf(key) })
      if (answer.status !== 404) await requireOk(answer, 'DELETE')
    },
    list: ({ prefix, directories = false }) =>
      (directories ? listFolders : listAll)(client, keyOf(prefix), keyOf('').length),
    compose: (key, first, others, { metadata, type }) =>
      compose(client, keyOf(key), first, others.map(keyOf), headersOf(metadata, type)),
    link: (key, seconds, options = {}) => client.presign(keyOf(key), seconds, options),
    until: (signal) => storeOver(client.until(signal), name),
  }
}

const headersOf = (metadata: Record<string, unknown>, type: string) => ({
  'content-type': type,
  [metadataHeader]: encodeURIComponent(JSON.stringify(metadata)),
})

const metadataOf = ({ headers }: Response) =>
  JSON.parse(decodeURIComponent(headers.get(metadataHeader) ?? '%7B%7D')) as Record<string, unknown>

type Headers = ReturnType<typeof headersOf>

async function put(client: S3Client, key: string, body: ArrayBuffer | string, headers: Headers): Promise<void> {
  await requireOk(await client.send({ method: 'PUT', key, body, headers }), 'PUT')
}
