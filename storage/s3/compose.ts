// Puts objects of a bucket together to one, which the store does by itself: no byte of them comes through here. s3/store.ts calls it.
import pLimit from 'p-limit'
import { StoreFault } from '../store.ts'
import { requireOk, textIn } from './answer.ts'
import type { S3Client } from './client.ts'

/** A file of 300 MB has 38 parts, and a pass some seconds for them. */
const copiesAtOnce = 8

/** R2 wants all parts but the last to be of one size, every S3 that they have 5 MiB at least. */
export async function compose(
  client: S3Client,
  key: string,
  first: ArrayBuffer,
  others: readonly string[],
  headers: Record<string, string>,
): Promise<void> {
  const begun = await client.send({ method: 'POST', key, query: { uploads: '' }, headers })
  await requireOk(begun, 'CreateMultipartUpload')
  const uploadId = textIn(await begun.text(), 'UploadId')
  if (!uploadId) throw new StoreFault('The S3 store named no upload')
  // Before the first byte: what a dead process has begun is in no listing of the store, and would stay there unseen.
  const note = `${key}${noteEnding}${uploadId}`
  await requireOk(await client.send({ method: 'PUT', key: note, body: '' }), 'PUT')
  const limit = pLimit(copiesAtOnce)
  const partOf = (index: number) => ({ partNumber: String(index + 1), uploadId })
  const etags = await Promise.all([
    uploadPart(client, key, partOf(0), first),
    ...others.map((other, index) => limit(() => copyPart(client, key, partOf(index + 1), other))),
  ])
  const parts = etags.map((etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`)
  const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`
  const done = await client.send({ method: 'POST', key, query: { uploadId }, body })
  await requireOk(done, 'CompleteMultipartUpload')
  // It begins its answer before the work is done, so 200 alone says nothing.
  if ((await done.text()).includes('<Error>')) throw new StoreFault('The S3 store could not put the parts together')
  await requireOk(await client.send({ method: 'DELETE', key: note }), 'DELETE')
}

const noteEnding = '.upload/'

/** The upload that a key is the note of. */
export function uploadNoted(key: string): { key: string; uploadId: string } | undefined {
  const [of, uploadId] = key.split(noteEnding)
  return of && uploadId ? { key: of, uploadId } : undefined
}

/** Ends an upload whose writer failed or died, with all that came of it. One that is complete stays as it is. */
export async function abandon(client: S3Client, { key, uploadId }: { key: string; uploadId: string }): Promise<void> {
  const answer = await client.send({ method: 'DELETE', key, query: { uploadId } })
  if (answer.status !== 404) await requireOk(answer, 'AbortMultipartUpload')
}

interface PartOf extends Record<string, string> {
  partNumber: string
  uploadId: string
}

async function uploadPart(client: S3Client, key: string, query: PartOf, body: ArrayBuffer): Promise<string> {
  const answer = await client.send({ method: 'PUT', key, query, body })
  await requireOk(answer, 'UploadPart')
  return escapeXml(answer.headers.get('etag') ?? '')
}

async function copyPart(client: S3Client, key: string, query: PartOf, from: string): Promise<string> {
  const headers = { 'x-amz-copy-source': client.sourceOf(from) }
  const answer = await client.send({ method: 'PUT', key, query, headers })
  await requireOk(answer, 'UploadPartCopy')
  const etag = textIn(await answer.text(), 'ETag')
  if (!etag) throw new StoreFault('The S3 store gave no tag for a copied part')
  return etag
}

const escapeXml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
