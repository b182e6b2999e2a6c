// What a file is, by its content. files.ts asks for every file it writes; a declared type or a file name is never asked.
import { fileTypeFromBuffer, supportedMimeTypes } from 'file-type'

/** As much of a file's start as its signature can take. */
export const sampleBytes = 4100

/** The type of the file that begins with `sample`, or undefined where it is none of `accept`. */
export async function detectType(sample: Uint8Array, accept: readonly string[]): Promise<string | undefined> {
  const found = await fileTypeFromBuffer(sample)
  if (found) return accept.find((type) => type === found.mime)
  // Nothing was recognised, so only types without a signature are left: JSON shows by its first character.
  const plain = accept.filter((type) => !supportedMimeTypes.has(type))
  return plain.find((type) => (type === 'application/json' ? isJson(sample) : true))
}

function isJson(sample: Uint8Array): boolean {
  return /^[\s\uFEFF]*[[{]/.test(new TextDecoder().decode(sample))
}
