// Data URIs (RFC 2397) as people's programs write them: any case, parameters, base64 with or without padding, percent-encoded.
// recipes/fields.ts checks with it what start is given, functions/http/input-files.ts reads it, and providers/download.ts what a model made.

export interface DataUri {
  /** In lower case, and by its registered name. */
  type: string
  isBase64: boolean
  data: string
}

/** What programs write that know nothing of a file's type. */
export const unknownType = 'application/octet-stream'

/** What is written for a registered type. */
const aliases: Record<string, string> = {
  'image/jpg': 'image/jpeg',
  'image/pjpeg': 'image/jpeg',
  'image/jfif': 'image/jpeg',
  'image/jpe': 'image/jpeg',
  'image/x-png': 'image/png',
  'image/apng': 'image/png',
  'application/x-zip': 'application/zip',
  'application/x-zip-compressed': 'application/zip',
  'binary/octet-stream': unknownType,
}

const longestHead = 200
/** A parameter's value may be quoted, with a comma in it. */
const headPattern = /^\s*data:((?:[^",]|"[^"]*")*),/i

/** Undefined where it is none, or its head is longer than any that means something. */
export function parseDataUri(text: string): DataUri | undefined {
  const [whole, head] = headPattern.exec(text.slice(0, longestHead)) ?? []
  if (whole === undefined || head === undefined) return undefined
  const [written = '', ...parameters] = head.split(';').map((part) => part.trim().toLowerCase())
  const isBase64 = parameters.includes('base64')
  return {
    // Without a type it is a text, unless it was packed as only files are.
    type: written === '' && isBase64 ? unknownType : (aliases[written] ?? written),
    isBase64,
    data: text.slice(whole.length),
  }
}

/** Undefined where the data isn't what the head says. */
export function decodeDataUri({ isBase64, data }: DataUri): Uint8Array | undefined {
  const bytes = data.includes('%') ? percentDecoded(data) : bytesOf(data)
  if (!bytes || !isBase64) return bytes
  // Both alphabets, and lines as mail programs fold them.
  const digits = new TextDecoder('latin1')
    .decode(bytes)
    .replaceAll(/\s/g, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .replace(/={1,2}$/, '')
  const isWhole = /^[A-Za-z0-9+/]+$/.test(digits) && digits.length % 4 !== 1
  return isWhole ? bytesOf(atob(digits)) : undefined
}

const percent = 37

/** A byte at a time: by a pattern, megabytes of percent signs keep everybody else waiting for seconds. */
function percentDecoded(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length)
  let size = 0
  for (let index = 0; index < text.length; index += 1) {
    let code = text.charCodeAt(index)
    if (code === percent) {
      code = hexDigit(text.charCodeAt(index + 1)) * 16 + hexDigit(text.charCodeAt(index + 2))
      index += 2
    }
    if (!isByte(code)) return undefined
    bytes[size] = code
    size += 1
  }
  return bytes.subarray(0, size)
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const letter = code | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : Number.NaN
}

/** A byte a character, of megabytes in milliseconds. */
function bytesOf(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length)
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (!isByte(code)) return undefined
    bytes[index] = code
  }
  return bytes
}

/** Not of another alphabet's letter, nor of what is no digit. */
const isByte = (code: number): boolean => code <= 255
