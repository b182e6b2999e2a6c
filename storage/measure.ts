// Adds up what a store holds, by kind of file and by what it belongs to. `npm run tasks -- storage` calls it.
import pLimit from 'p-limit'
import { openFiles } from './files.ts'
import type { BlobStore, Page } from './store.ts'

export interface Held {
  files: number
  bytes: number
}

/** By a key's first part: results, inputs, uploads, starts. In each by its owner: a task's id, or an uploader. */
export type Measured = Map<string, Map<string, Held>>

const looksAtOnce = 8

/** Where a kind's listing tells no sizes, each file is looked at: a call for each. */
export async function measureStore(store: BlobStore): Promise<Measured> {
  const measured: Measured = new Map()
  const files = openFiles(store)
  const limit = pLimit(looksAtOnce)
  const sizeOf = async ({ key, size }: Page['blobs'][number]) =>
    size ?? (isFile(key) ? ((await limit(() => files.stat(key.slice(0, -2))))?.size ?? 0) : 0)
  for await (const { blobs } of store.list({ prefix: '' })) {
    const sizes = await Promise.all(blobs.map(sizeOf))
    for (const [index, { key }] of blobs.entries()) add(measured, key, sizes[index] ?? 0)
  }
  return measured
}

/** A file is there with its part 0. */
const isFile = (key: string) => key.endsWith('/0')

function add(measured: Measured, key: string, bytes: number): void {
  const [kind = '', first = '', second = ''] = key.split('/')
  const owners = measured.get(kind) ?? new Map<string, Held>()
  measured.set(kind, owners)
  // Uploads lie under their hour first.
  const owner = kind === 'uploads' ? second : first
  const held = owners.get(owner) ?? { files: 0, bytes: 0 }
  owners.set(owner, { files: held.files + Number(isFile(key)), bytes: held.bytes + bytes })
}
