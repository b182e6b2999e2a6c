// Lists the objects of a bucket: page after page, or by folder. s3/store.ts calls it.
import { type Page, StoreFault } from '../store.ts'
import { elements, requireOk, textIn } from './answer.ts'
import type { S3Client } from './client.ts'

/** Every object whose key begins with `prefix`. `skip` signs are left off each key. */
export async function* listAll(client: S3Client, prefix: string, skip: number): AsyncGenerator<Page> {
  let token: string | undefined
  do {
    const answer = await ask(client, { prefix, ...(token && { 'continuation-token': token }) })
    yield { blobs: answer.blobs.map((blob) => ({ ...blob, key: blob.key.slice(skip) })), directories: [] }
    token = answer.token
  } while (token)
}

/** Sorts after every key of its folder, and before what follows the folder. */
const last = '\u{10ffff}'

/**
 * The folders right under `prefix`, which ends with a slash, and the objects beside them. A page tells them by its keys; the next page
 * begins after the last one's folder, however much lies in it. With a delimiter the server would do it, but not every server then gives
 * the folders whose objects lie deeper.
 */
export async function* listFolders(client: S3Client, prefix: string, skip: number): AsyncGenerator<Page> {
  const folderOf = (key: string) => /^[^/]*(?=\/)/.exec(key.slice(prefix.length))?.[0]
  let after = ''
  for (;;) {
    const { blobs, token } = await ask(client, { prefix, ...(after && { 'start-after': after }) })
    const folders = new Set(blobs.flatMap(({ key }) => folderOf(key) ?? []))
    yield {
      blobs: blobs
        .filter(({ key }) => folderOf(key) === undefined)
        .map((blob) => ({ ...blob, key: blob.key.slice(skip) })),
      directories: [...folders].map((folder) => (prefix + folder).slice(skip)),
    }
    const end = blobs.at(-1)?.key
    if (!token || end === undefined) return
    if (end <= after) throw new StoreFault('The S3 store lists again what was not asked for (start-after)')
    const folder = folderOf(end)
    after = folder === undefined ? end : `${prefix}${folder}/${last}`
  }
}

async function ask(client: S3Client, query: Record<string, string>): Promise<{ blobs: Page['blobs']; token?: string }> {
  const answer = await client.send({ method: 'GET', query: { 'list-type': '2', 'encoding-type': 'url', ...query } })
  await requireOk(answer, 'ListObjectsV2')
  const text = await answer.text()
  // Asked for, because XML can't hold every sign; some servers leave it out.
  const isEncoded = textIn(text, 'EncodingType') === 'url'
  const keyOf = (xml: string) => {
    const key = textIn(xml, 'Key') ?? ''
    return isEncoded ? decodeURIComponent(key.replaceAll('+', ' ')) : key
  }
  const token = textIn(text, 'NextContinuationToken')
  return {
    blobs: elements(text, 'Contents').map((xml) => ({ key: keyOf(xml), size: Number(textIn(xml, 'Size')) })),
    ...(token && { token }),
  }
}
