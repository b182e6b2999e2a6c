// Addresses on the web that somebody else wrote: a user's image, a provider's output. recipes/, decide.ts and providers/ read them here,
// so that what is checked, kept and sent is one text: the parsed one.

/** Parsers differ on these: `https://a.example\@b.example` names a.example to one and b.example to another. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const ambiguous = /[\u0000-\u001f\u007f\\]/

export const ambiguousAddress = 'must not hold control characters or backslashes'

/** True where a parser may read another address than the next one does. */
export const isAmbiguous = (text: string): boolean => ambiguous.test(text)

/** The parsed address, or undefined: not a text, no http(s) address, or one that can be read in two ways. */
export function parseWebAddress(text: unknown): URL | undefined {
  if (typeof text !== 'string' || isAmbiguous(text)) return undefined
  const url = URL.parse(text)
  return url && /^https?:$/.test(url.protocol) ? url : undefined
}
