// Adds up what a store holds, by kind of file and by what it belongs to. `npm run tasks -- storage` calls it.
import pLimit from 'p-limit'
import { fileOfPart, openFiles } from './files.ts'
import type { BlobStore, Page } from './store.ts'

export interface Amount {
  files: number
  bytes: number
}

/** By a key's first part: results, inputs, uploads, starts. In each by its owner: a task's id, or an uploader. */
export type Measured = Map<string, Map<string, Amount>>

const looksAtOnce = 8

/** Where a kind's listing tells no sizes, each file is looked at: a call for each. */
export async function measureStore(store: BlobStore): Promise<Measured> {
  const measured: Measured = new Map()
  const files = openFiles(store)
  const limit = pLimit(looksAtOnce)
  const sizeOf = async ({ key, size }: Page['blobs'][number]) => {
    const file = fileOfPart(key)
    if (size !== undefined || !file) return size ?? 0
    return (await limit(() => files.stat(file)))?.size ?? 0
  }
  for await (const { blobs } of store.list({ prefix: '' })) {
    const sizes = await Promise.all(blobs.map(sizeOf))
    for (const [index, { key }] of blobs.entries()) add(measured, key, sizes[index] ?? 0)
  }
  return measured
}

function add(measured: Measured, key: string, bytes: number): void {
  const [kind = '', first = '', second = ''] = key.split('/')
  const owners = measured.get(kind) ?? new Map<string, Amount>()
  measured.set(kind, owners)
  // Uploads lie under their hour first.
  const owner = kind === 'uploads' ? second : first
  const known = owners.get(owner) ?? { files: 0, bytes: 0 }
  owners.set(owner, { files: known.files + (fileOfPart(key) ? 1 : 0), bytes: known.bytes + bytes })
}
