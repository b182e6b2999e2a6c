// A browser's half of a push message: its keys, and how it reads what was encrypted for them (RFC 8291, in one record of aes128gcm, RFC 8188).
import { createDecipheriv, createECDH, type ECDH, hkdfSync, randomBytes } from 'node:crypto'

export interface BrowserKeys {
  ecdh: ECDH
  auth: Buffer
}

export function newKeys(): BrowserKeys {
  const ecdh = createECDH('prime256v1')
  ecdh.generateKeys()
  return { ecdh, auth: randomBytes(16) }
}

/** As a subscription's JSON has them. */
export const publicKeys = ({ ecdh, auth }: BrowserKeys) => ({
  p256dh: ecdh.getPublicKey('base64url', 'uncompressed'),
  auth: auth.toString('base64url'),
})

const derive = (secret: Uint8Array, salt: Uint8Array, info: Uint8Array | string, bytes: number): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, salt, info, bytes))

/** Throws where it was encrypted for somebody else, or changed on its way. */
export function decrypt({ ecdh, auth }: BrowserKeys, message: Buffer): string {
  const salt = message.subarray(0, 16)
  const keyLength = message.readUInt8(20)
  const sender = message.subarray(21, 21 + keyLength)
  const record = message.subarray(21 + keyLength)
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), ecdh.getPublicKey(), sender])
  const secret = derive(ecdh.computeSecret(sender), auth, info, 32)
  const key = derive(secret, salt, 'Content-Encoding: aes128gcm\0', 16)
  const nonce = derive(secret, salt, 'Content-Encoding: nonce\0', 12)
  const decipher = createDecipheriv('aes-128-gcm', key, nonce)
  decipher.setAuthTag(record.subarray(-16))
  const padded = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()])
  // The last byte that isn't zero says that this is the last record.
  return padded.subarray(0, padded.lastIndexOf(2)).toString('utf8')
}
