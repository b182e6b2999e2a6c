// Puts pictures into a WebM file. A lossy WebP picture is a VP8 key frame in a wrapper, so each of them is taken out as it is.

interface Frames {
  readonly width: number
  readonly height: number
  readonly framesPerSecond: number
  /** Lossy WebP pictures without transparency. */
  readonly pictures: readonly Uint8Array[]
}

export function webm({ width, height, framesPerSecond, pictures }: Frames): Buffer {
  const each = 1000 / framesPerSecond
  const header = element(
    0x1a45dfa3,
    ...[number(0x4286, 1), number(0x42f7, 1), number(0x42f2, 4), number(0x42f3, 8), text(0x4282, 'webm')],
    ...[number(0x4287, 2), number(0x4285, 2)],
  )
  const info = element(
    0x1549a966,
    ...[number(0x2ad7b1, 1_000_000), float(0x4489, each * pictures.length), text(0x4d80, 'stepgate')],
    text(0x5741, 'stepgate'),
  )
  const video = element(0xe0, number(0xb0, width), number(0xba, height))
  const tracks = element(
    0x1654ae6b,
    element(0xae, number(0xd7, 1), number(0x73c5, 1), number(0x83, 1), text(0x86, 'V_VP8'), video),
  )
  const blocks = pictures.map((picture, n) => {
    const head = Buffer.of(0x81, 0, 0, 0x80)
    head.writeInt16BE(Math.round(n * each), 1)
    return element(0xa3, head, keyFrame(picture))
  })
  const cluster = element(0x1f43b675, number(0xe7, 0), ...blocks)
  return Buffer.concat([header, element(0x18538067, info, tracks, cluster)])
}

/** What is in the `VP8 ` part of a WebP file. */
function keyFrame(webp: Uint8Array): Buffer {
  const file = Buffer.from(webp.buffer, webp.byteOffset, webp.length)
  for (let at = 12; at + 8 <= file.length; ) {
    const size = file.readUInt32LE(at + 4)
    if (file.toString('latin1', at, at + 4) === 'VP8 ') return file.subarray(at + 8, at + 8 + size)
    at += 8 + size + (size % 2)
  }
  throw new Error('it is no lossy WebP picture')
}

function element(id: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const size = Buffer.alloc(8)
  size.writeBigUInt64BE(BigInt(content.length) | 0x0100_0000_0000_0000n)
  return Buffer.concat([bytesOf(id), size, content])
}

const number = (id: number, value: number) => element(id, bytesOf(value))
const text = (id: number, value: string) => element(id, Buffer.from(value))

function float(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return element(id, bytes)
}

/** As few bytes as hold it. */
function bytesOf(value: number): Buffer {
  const digits = value.toString(16)
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex')
}
