// The words of the API document that belong to no single endpoint: its sections, and the headers of requests and answers. contract.ts and
// openapi.ts use them.

export const tags = {
  users: 'Who asks.',
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
export type HeaderName = keyof typeof answerHeaders

export const requestHeaders = {
  'idempotency-key': 'The same key gives the same task: 1 to 255 visible ASCII characters.',
  'if-none-match': 'The ETag of what is there already.',
  range: 'One range of bytes.',
} as const
export type RequestHeaderName = keyof typeof requestHeaders
