// Addresses that somebody else wrote: a user's image, a provider's output. recipes/, decide.ts and providers/ read them here, so that what
// is checked, kept and sent is one text: the parsed one. An output may be a data URI too; store-output.ts asks for its bytes again.
import { parseDataUri } from './data-uri.ts'

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

const isDataUri = (text: string): boolean => parseDataUri(text) !== undefined

/** As it is kept and fetched. Undefined: nothing that can be fetched. */
export function readOutputAddress(text: unknown): string | undefined {
  if (typeof text === 'string' && isDataUri(text)) return text
  return parseWebAddress(text)?.href
}

/** A row holds no files: of a data URI only its beginning is kept. */
export const withoutBytes = (address: string): string => (isDataUri(address) ? 'data:,' : address)

/** True for what `withoutBytes` left of a data URI. */
export const lacksBytes = (address: string): boolean => address === 'data:,'
