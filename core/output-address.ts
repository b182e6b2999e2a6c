// Where the files of a prediction are: addresses on the web, or data URIs that carry the file itself. decide.ts reads them; the engine
// keeps them in the row, without the bytes, and store-output.ts asks the provider for those again.
import { parseWebAddress } from './web-address.ts'

const dataUri = /^data:([\w.+-]+\/[\w.+-]+)?(;[\w=.+-]+)*,/i

/** As it is kept and fetched. Undefined: nothing that can be fetched. */
export function readOutputAddress(text: unknown): string | undefined {
  if (typeof text === 'string' && dataUri.test(text)) return text
  return parseWebAddress(text)?.href
}

/** A row holds no files: of a data URI only its beginning is kept. */
export const withoutBytes = (address: string): string => (dataUri.test(address) ? 'data:,' : address)

/** True for what `withoutBytes` left of a data URI. */
export const lacksBytes = (address: string): boolean => address === 'data:,'
