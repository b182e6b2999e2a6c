// What a file is, by its content. files.ts asks for every file it writes; a declared type or a file name is never asked.

/** As much of a file's start as its signature can take. */
export const sampleBytes = 4100

/** Trained weights. No media type is registered for them. */
const safetensors = 'application/x-safetensors'

/** The type of the file that begins with `sample`, or undefined where it is none of `accept`. */
export async function detectType(sample: Uint8Array, accept: readonly string[]): Promise<string | undefined> {
  // First, because a length that begins with 0x78 0x01 looks like a disk image to file-type.
  if (accept.includes(safetensors) && isSafetensors(sample)) return safetensors
  // Loaded with the first file that is written: most calls of most functions write none.
  const { fileTypeFromBuffer, supportedMimeTypes } = await import('file-type')
  const found = await fileTypeFromBuffer(sample)
  if (found) return accept.find((type) => type === found.mime)
  // Nothing was recognised, so only types without a signature are left: JSON shows by its first character.
  const plain = accept.filter((type) => type !== safetensors && !supportedMimeTypes.has(type))
  return plain.find((type) => (type === 'application/json' ? isJson(sample) : true))
}

function isJson(sample: Uint8Array): boolean {
  return /^[\s\uFEFF]*[[{]/.test(new TextDecoder().decode(sample))
}

/** The length of a JSON header in eight bytes, little end first, then the header. The format allows 100 MB of it. */
function isSafetensors(sample: Uint8Array): boolean {
  if (sample.byteLength < 9) return false
  const view = new DataView(sample.buffer, sample.byteOffset, sample.byteLength)
  const length = view.getBigUint64(0, true)
  return length >= 2n && length <= 100_000_000n && sample[8] === 0x7b
}
