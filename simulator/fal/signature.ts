// Signs webhooks as fal does (ED25519 over request id, user id, time and the body's digest) and publishes the keys.
// Keys are numbered: a rotation is the next number, and the one before stays published for a while.

import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'

export interface SigningKeys {
  signature(key: number, message: readonly string[]): string
  jwks(newest: number): { keys: object[] }
}

export function createKeys(seed: string): SigningKeys {
  const made = new Map<number, KeyObject>()
  const keyOf = (number: number) => {
    const key = made.get(number) ?? privateKey(createHash('sha256').update(`${seed} ${number}`).digest())
    made.set(number, key)
    return key
  }
  return {
    signature: (number, message) => sign(null, Buffer.from(message.join('\n')), keyOf(number)).toString('hex'),
    jwks: (newest) => ({
      keys: [newest, newest - 1]
        .filter((number) => number >= 0)
        .map((number) => {
          const { x } = createPublicKey(keyOf(number)).export({ format: 'jwk' })
          return { kty: 'OKP', crv: 'Ed25519', kid: `key-${number}`, use: 'sig', x }
        }),
    }),
  }
}

/** What stands before the 32 bytes of an Ed25519 key in its PKCS #8 form. */
const prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
const privateKey = (bytes: Buffer) =>
  createPrivateKey({ key: Buffer.concat([prefix, bytes]), format: 'der', type: 'pkcs8' })

export const digestOf = (body: string) => createHash('sha256').update(body).digest('hex')
