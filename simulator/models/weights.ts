// The weights that a simulated training leaves: as large as the settings say, the same bytes for the same request whenever they are asked
// for, made only as they are read, and from any offset.

import { createCipheriv, createHash } from 'node:crypto'
import type { Made } from './model.ts'

export const weights = (id: string, size: number): Made => ({
  ...{ name: 'pytorch_lora_weights.safetensors', type: 'application/octet-stream', extension: 'safetensors', size },
  part: (from, to) => weightsOf(id, size, from, to),
})

const chunkBytes = 256 * 1024
const blockBytes = 16

/** Bytes `start` to `end` (inclusive) of a safetensors file of `size` bytes: its header, then one tensor of noise. */
function* weightsOf(id: string, size: number, start: number, end: number): Generator<Uint8Array> {
  const header = headerOf(size)
  let at = start
  while (at <= end) {
    const length = Math.min(chunkBytes, end + 1 - at)
    yield at < header.length ? header.subarray(at, at + length) : noise(id, at, length)
    at += at < header.length ? Math.min(length, header.length - at) : length
  }
}

/** Eight bytes of length, then JSON, padded so that the tensor fills the file exactly. */
function headerOf(size: number): Buffer {
  const describe = (length: number) =>
    JSON.stringify({ lora: { dtype: 'U8', shape: [length], data_offsets: [0, length] } })
  const jsonBytes = 128
  const text = describe(Math.max(0, size - 8 - jsonBytes)).padEnd(jsonBytes)
  const header = Buffer.alloc(8 + jsonBytes)
  header.writeBigUInt64LE(BigInt(jsonBytes))
  header.write(text, 8)
  return header
}

/** A cipher in counter mode is noise that can be begun anywhere. */
function noise(id: string, at: number, length: number): Buffer {
  const key = createHash('md5').update(id).digest()
  const counter = Buffer.alloc(16)
  counter.writeBigUInt64BE(BigInt(Math.floor(at / blockBytes)), 8)
  const skipped = at % blockBytes
  const cipher = createCipheriv('aes-128-ctr', key, counter)
  return cipher.update(Buffer.alloc(skipped + length)).subarray(skipped)
}
