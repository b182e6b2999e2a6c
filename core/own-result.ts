// Addresses of results here, as people copy them from a view, a page or a mail, and links to shared pictures. Start and the gate take them in
// every image field; whose result it is, and whether it is there, is found out when it is copied.
import { resultPath, resultUrl } from './view.ts'

/** A stored result: the chosen one of its step where the attempt is left out. */
export interface OwnResult {
  task_id: string
  step: number
  attempt?: number | undefined
  file?: number | undefined
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const number = /^[1-9]\d{0,5}$/

/** Whether an address is one of results at all; then it is one of ours, or refused. */
export const isResultAddress = (address: string): boolean =>
  address === resultPath || address.startsWith(`${resultPath}?`)

/** Undefined where it is no such address, or doesn't say which result it means. */
export function parseOwnResult(address: string): OwnResult | undefined {
  if (!isResultAddress(address)) return undefined
  const query = new URLSearchParams(address.replace(/#.*$/, '').slice(resultPath.length + 1))
  const task_id = query.get('task_id') ?? ''
  const [step, attempt, file] = ['step', 'attempt', 'file'].map((name) => query.get(name))
  if (!uuid.test(task_id) || !step || [step, attempt, file].some((one) => one && !number.test(one))) return undefined
  return {
    ...{ task_id: task_id.toLowerCase(), step: Number(step) },
    ...(attempt && { attempt: Number(attempt) }),
    ...(file && { file: Number(file) }),
  }
}

/** One result, one address, one hash of a request. */
export function ownResultAddress({ task_id, step, attempt, file }: OwnResult): string {
  if (attempt) return resultUrl(task_id, step, attempt, file)
  return `${resultPath}?task_id=${task_id}&step=${step}${file ? `&file=${file}` : ''}`
}

const sharePath = '/api/share'
/** Of a shared picture: 16 random bytes as base64url. */
export const shareIdPattern = /^[\w-]{22}$/

export const shareAddress = (id: string): string => `${sharePath}?id=${id}`

/** The id in a link to a shared picture, of its page or of itself. Undefined for any other address, and for the picture that it began with. */
export function parseShared(address: string): string | undefined {
  if (!address.startsWith(`${sharePath}?`)) return undefined
  const query = new URLSearchParams(address.replace(/#.*$/, '').slice(sharePath.length + 1))
  const id = query.get('id') ?? ''
  return shareIdPattern.test(id) && (query.get('picture') ?? 'after') === 'after' ? id : undefined
}
