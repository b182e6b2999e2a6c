// What recipes read out of a provider's output: an address, a list of them, or members of an object that hold some. Versions of a model
// can change which of these it is.

/** A prediction that leaves more is another kind of work: nobody looks through so many. */
const mostFiles = 16

/**
 * The addresses of an output: itself, the list's, or those under the named members of an object; where none of the names is there, those of
 * every file in it. Empty for any other.
 */
export function urlsIn(output: unknown, members: readonly string[] = []): string[] {
  if (!isObject(output)) return addressesOf(output).slice(0, mostFiles)
  const named = members.flatMap((member) => addressesOf(output[member]))
  // What a person wrote may come back beside the files, so a text is taken for an address only under one of the names.
  const found = named.length > 0 ? named : [output, ...Object.values(output)].flatMap(filesIn)
  return found.slice(0, mostFiles)
}

const addressesOf = (value: unknown): string[] =>
  [value].flat().flatMap((one) => (typeof one === 'string' ? [one] : filesIn(one)))

/** fal's files are objects with an address. */
const filesIn = (value: unknown): string[] =>
  [value].flat().flatMap((one) => (isObject(one) && typeof one['url'] === 'string' ? [one['url']] : []))

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
