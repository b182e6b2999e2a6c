// What the contract says of an endpoint, and what many of its operations share. contract.ts lists them all; openapi.ts makes the document.
import type { ZodObject, ZodType } from 'zod'
import { taskViewSchema } from '../../core/answers.ts'
import type { ProblemCode } from '../../core/errors.ts'
import { archiveType, imageTypes } from '../../core/upload.ts'

export interface Answer {
  says: string
  /** JSON of this shape. */
  json?: ZodType
  /** A stored file, of whatever type it is; with a shape of JSON, one or the other. */
  isFile?: true
  headers?: readonly HeaderName[]
}

export interface Operation {
  path: string
  method: 'get' | 'post'
  id: string
  tag: keyof typeof tags
  /** In a sentence. */
  does: string
  for: 'anyone' | 'user' | 'cron' | 'anyone, or cron' | 'anyone, or user'
  query?: ZodObject
  requestHeaders?: readonly RequestHeaderName[]
  /** `start`: one shape a recipe, which only openapi.ts can know. */
  body?: ZodType | 'start' | 'upload' | 'webhook'
  answers: Readonly<Record<number, Answer>>
  /** Beside those that any endpoint knows. */
  problems: readonly ProblemCode[]
}

export const tags = {
  users: 'Sessions, what is spent, deleting and signing out.',
  tasks: 'Starting, watching and moving tasks. Another user’s task is a 404.',
  files: 'Results and uploaded images.',
  pings: 'For an external cron; any of them alone moves whatever is due.',
  telegram: 'The bot, and the chats that it tells.',
  providers: 'Reports on predictions, signed by their provider.',
  about: 'The deployment itself.',
} as const

export const answerHeaders = {
  etag: 'Names this content; send it as If-None-Match.',
  'retry-after': 'Seconds until the next poll is of use.',
  'set-cookie': 'The same session, as a cookie that no script can read.',
  'content-disposition': 'With download=1: the name to save the file under.',
  'content-range': 'Which bytes these are.',
} as const
type HeaderName = keyof typeof answerHeaders

export const requestHeaders = {
  'idempotency-key': 'The same key gives the same task: 1 to 255 visible ASCII characters.',
  'if-none-match': 'The ETag of what is there already.',
  range: 'One range of bytes.',
} as const
type RequestHeaderName = keyof typeof requestHeaders

export const uploadBodies = [...imageTypes, archiveType]
/** Of any endpoint: another method, a fault, a database that does not answer, a variable that is missing. */
export const anywhere = [
  'method_not_allowed',
  'internal',
  'unavailable',
  'not_configured',
] as const satisfies readonly ProblemCode[]
export const ofUsers = ['unauthenticated', 'token_expired'] as const satisfies readonly ProblemCode[]

export const view = (says: string): Answer => ({ says, json: taskViewSchema, headers: ['retry-after'] })
export const unseen: Answer = { says: 'What If-None-Match names is still what is there.', headers: ['etag'] }
export const json = (says: string, schema: ZodType): Answer => ({ says, json: schema })
export const bodyProblems = ['invalid_json', 'invalid_request', 'body_too_large', 'origin_not_allowed'] as const
export const spendingProblems = ['budget_exceeded', 'spending_stopped'] as const
export const file = { isFile: true, headers: ['etag', 'content-disposition'] } as const
