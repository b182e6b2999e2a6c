// A small H.264 encoder: one picture as it is, then frames that move it about. The picture's macroblocks are stored raw (I_PCM), every other
// frame is one motion vector for all of them, so a clip costs one picture and a few hundred bytes a frame. mp4.ts puts it in a file.
// The syntax is that of ITU-T H.264, sections 7.3 and 9.1; the profile is Constrained Baseline, which every player knows.

/** A picture in YUV 4:2:0; width and height are multiples of 16. */
export interface Yuv {
  readonly width: number
  readonly height: number
  readonly y: Uint8Array
  readonly u: Uint8Array
  readonly v: Uint8Array
}

export interface Encoded {
  readonly sps: Uint8Array
  readonly pps: Uint8Array
  /** Each frame as one NAL unit; the first stands alone, the others refer to it. */
  readonly frames: readonly Uint8Array[]
}

/** How far a frame shows the picture moved, in whole pixels. */
export type Shift = readonly [x: number, y: number]

export function encode(picture: Yuv, shifts: readonly Shift[]): Encoded {
  return {
    sps: parameters(picture),
    pps: pictureParameters(),
    frames: [still(picture), ...shifts.map((shift, n) => moved(picture, shift, n + 1))],
  }
}

const pocBits = 16

function parameters({ width, height }: Yuv): Uint8Array {
  const bits = new Bits()
  bits.u(8, 66).u(8, 0b1100_0000).u(8, 31) // Constrained Baseline, level 3.1
  bits.ue(0).ue(0) // id; frame_num has 4 bits
  bits.ue(0).ue(pocBits - 4) // order counts of 16 bits
  bits.ue(1).u(1, 0) // one reference frame
  bits.ue(width / 16 - 1).ue(height / 16 - 1)
  bits.u(1, 1).u(1, 1).u(1, 0).u(1, 0) // frames only; direct_8x8; no cropping; no VUI
  return unit(0x67, bits)
}

function pictureParameters(): Uint8Array {
  const bits = new Bits()
  bits.ue(0).ue(0).u(1, 0).u(1, 0).ue(0).ue(0).ue(0) // ids; CAVLC; one slice group; one reference
  bits.u(1, 0).u(2, 0).se(0).se(0).se(0) // no weights; QP 26
  bits.u(1, 1).u(1, 0).u(1, 0) // the deblocking filter is said per slice
  return unit(0x68, bits)
}

function still({ width, height, y, u, v }: Yuv): Uint8Array {
  const bits = new Bits()
  bits.ue(0).ue(7).ue(0).u(4, 0).ue(0).u(pocBits, 0) // an I slice; an IDR picture
  bits.u(1, 0).u(1, 0).se(0).ue(1) // not long-term; QP as it is; no filter
  for (let top = 0; top < height; top += 16) {
    for (let left = 0; left < width; left += 16) {
      bits.ue(25).align() // I_PCM
      bits.block(y, width, left, top, 16)
      bits.block(u, width / 2, left / 2, top / 2, 8)
      bits.block(v, width / 2, left / 2, top / 2, 8)
    }
  }
  return unit(0x65, bits)
}

function moved({ width, height }: Yuv, [x, y]: Shift, number: number): Uint8Array {
  const bits = new Bits()
  bits
    .ue(0)
    .ue(5)
    .ue(0)
    .u(4, 1)
    .u(pocBits, number * 2) // a P slice that nothing refers to
  bits.u(1, 0).u(1, 0).se(0).ue(1)
  for (let block = 0; block < (width / 16) * (height / 16); block += 1) {
    // Not skipped; P_L0_16x16; the vector differs from the neighbours' in the first block alone (in quarters of a pixel); no residual.
    bits.ue(0).ue(0)
    bits.se(block === 0 ? -x * 4 : 0).se(block === 0 ? -y * 4 : 0)
    bits.ue(0)
  }
  return unit(0x01, bits)
}

/** The header byte, then the bits with their stop bit; bytes that would look like a start code are kept apart. */
function unit(header: number, bits: Bits): Uint8Array {
  const raw = bits.finish()
  const escaped = new Uint8Array(1 + Math.ceil(raw.length * 1.5))
  escaped[0] = header
  let length = 1
  let zeros = 0
  for (const byte of raw) {
    if (zeros >= 2 && byte <= 3) {
      escaped[length] = 3
      length += 1
      zeros = 0
    }
    escaped[length] = byte
    length += 1
    zeros = byte === 0 ? zeros + 1 : 0
  }
  return escaped.subarray(0, length)
}

class Bits {
  #bytes: number[] = []
  #held = 0
  #count = 0

  u(length: number, value: number): this {
    for (let bit = length - 1; bit >= 0; bit -= 1) {
      this.#held = (this.#held << 1) | ((value >> bit) & 1)
      this.#count += 1
      if (this.#count === 8) this.#flush()
    }
    return this
  }

  /** Exponential-Golomb codes, unsigned and signed. */
  ue(value: number): this {
    const length = Math.floor(Math.log2(value + 1))
    return this.u(length, 0).u(length + 1, value + 1)
  }

  se(value: number): this {
    return this.ue(value > 0 ? value * 2 - 1 : -value * 2)
  }

  align(): this {
    while (this.#count > 0) this.u(1, 0)
    return this
  }

  /** A square of samples, at a byte's boundary. */
  block(plane: Uint8Array, stride: number, left: number, top: number, size: number): void {
    for (let row = top; row < top + size; row += 1) {
      for (let column = left; column < left + size; column += 1) this.#bytes.push(plane[row * stride + column] ?? 0)
    }
  }

  finish(): Uint8Array {
    this.u(1, 1).align()
    return Uint8Array.from(this.#bytes)
  }

  #flush(): void {
    this.#bytes.push(this.#held)
    this.#held = 0
    this.#count = 0
  }
}
