// Signs webhooks as Replicate does (the Standard Webhooks scheme): HMAC-SHA256 over id, timestamp and raw body,
// with the key that follows `whsec_`.

import { createHmac } from 'node:crypto'

export interface Signed {
  readonly secret: string
  readonly id: string
  readonly timestampSeconds: number
  readonly body: string
}

export function sign({ secret, id, timestampSeconds, body }: Signed): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  return `v1,${createHmac('sha256', key).update(`${id}.${timestampSeconds}.${body}`).digest('base64')}`
}
