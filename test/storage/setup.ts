// A blob store of a test file's own, on the real local server.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { startBlobs } from '../../dev/blobs.ts'
import type { BlobStore } from '../../storage/store.ts'

export async function useStore(): Promise<(name: string) => BlobStore> {
  const folder = await mkdtemp(join(tmpdir(), 'stepgate-blobs-'))
  const blobs = await startBlobs(folder)
  afterAll(async () => {
    await blobs.stop()
    await rm(folder, { recursive: true })
  })
  return blobs.store
}

/** The keys of all blobs whose key begins so, in order. */
export async function keysIn(store: BlobStore, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { blobs } of store.list({ prefix })) keys.push(...blobs.map(({ key }) => key))
  return keys.toSorted()
}

const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** A PNG of exactly `size` bytes; what follows the picture differs from byte to byte, so that a misplaced range shows. */
export function png(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let index = 0; index < size; index += 1) bytes[index] = (index * 31 + (index >> 13)) & 0xff
  Buffer.from(pixel, 'base64').copy(bytes)
  return bytes
}

/** The bytes in chunks, as a connection delivers them. */
export async function* chunksOf(bytes: Uint8Array, size = 64 * 1024): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}

export async function bytesOf(body: ReadableStream<Uint8Array> | null): Promise<Buffer> {
  return Buffer.from(await new Response(body).arrayBuffer())
}
