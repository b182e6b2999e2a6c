// Reads what an S3-compatible store answers: XML with few elements, and a code where something failed. The other files of s3/ call it.
import { StoreFault } from '../store.ts'

export const elements = (xml: string, tag: string): string[] =>
  [...xml.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, 'gs'))].map(([, inner = '']) => inner)

export function textIn(xml: string, tag: string): string | undefined {
  const text = new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1]
  return text?.replaceAll(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (all, hex?: string, decimal?: string, name = '') => {
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16))
    return decimal ? String.fromCodePoint(Number(decimal)) : (named[name] ?? all)
  })
}

const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** `AccessDenied`, `SignatureDoesNotMatch`, `NoSuchBucket`. Takes the answer's body. */
export async function codeOf(answer: Response): Promise<string | undefined> {
  return textIn(await answer.text().catch(() => ''), 'Code')
}

export async function requireOk(answer: Response, operation: string): Promise<void> {
  if (answer.ok) return
  const code = await codeOf(answer)
  throw new StoreFault(`The S3 store answered ${answer.status}${code ? ` (${code})` : ''} to ${operation}`)
}

/** A bucket that is not there is a fault: everything would seem to be gone. */
export async function isMissing(answer: Response): Promise<boolean> {
  if (answer.status !== 404) {
    await requireOk(answer, 'GET')
    return false
  }
  if ((await codeOf(answer)) === 'NoSuchBucket') throw new StoreFault('The S3 store has no such bucket')
  return true
}
