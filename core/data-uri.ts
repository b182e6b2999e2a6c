// Data URIs (RFC 2397) as people's programs write them: any case, parameters, base64 with or without padding, percent-encoded.
// recipes/fields.ts checks with it what start is given, and functions/http/input-files.ts reads it.

export interface DataUri {
  /** In lower case, and by its registered name. */
  type: string
  isBase64: boolean
  data: string
}

/** What is written for a registered type. */
const aliases: Record<string, string> = {
  'image/jpg': 'image/jpeg',
  'image/pjpeg': 'image/jpeg',
  'image/jfif': 'image/jpeg',
  'image/x-png': 'image/png',
  'application/x-zip': 'application/zip',
  'application/x-zip-compressed': 'application/zip',
}

const longestHead = 200

/** Undefined where it is none, or its head is longer than any that means something. */
export function parseDataUri(text: string): DataUri | undefined {
  const comma = text.slice(0, longestHead).indexOf(',')
  if (comma < 0 || !/^\s*data:/i.test(text)) return undefined
  const [written = '', ...parameters] = text
    .slice(text.indexOf(':') + 1, comma)
    .split(';')
    .map((part) => part.trim().toLowerCase())
  return {
    type: aliases[written] ?? written,
    isBase64: parameters.at(-1) === 'base64',
    data: text.slice(comma + 1),
  }
}

/** Undefined where the data isn't what the head says. */
export function decodeDataUri({ isBase64, data }: DataUri): Uint8Array | undefined {
  const text = data.includes('%') ? percentDecoded(data) : data
  if (text === undefined || !isBase64) return text === undefined ? undefined : bytesOf(text)
  // Both alphabets, and lines as mail programs fold them.
  const digits = text
    .replaceAll(/\s/g, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .replace(/={1,2}$/, '')
  const isWhole = /^[A-Za-z0-9+/]+$/.test(digits) && digits.length % 4 !== 1
  return isWhole ? bytesOf(atob(digits)) : undefined
}

function percentDecoded(text: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined
  return text.replaceAll(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** A byte a character, of megabytes in milliseconds. */
function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let index = 0; index < text.length; index += 1) bytes[index] = text.charCodeAt(index)
  return bytes
}
