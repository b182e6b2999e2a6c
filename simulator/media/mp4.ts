// Puts an encoded clip into an MP4 file (ISO/IEC 14496-12 and -15), with its index first, so that players can begin before the end.

import type { Encoded } from './h264.ts'

interface Clip extends Encoded {
  readonly width: number
  readonly height: number
  readonly framesPerSecond: number
}

export function mp4(clip: Clip): Buffer {
  const samples = clip.frames.map((frame) => Buffer.concat([u32(frame.length), frame]))
  const start = box('ftyp', ascii('isom'), u32(512), ascii('isomiso2avc1mp41'))
  // Where the samples begin depends on how long the index is, which does not depend on it.
  const offset = start.length + index(clip, samples, 0).length + 8
  return Buffer.concat([start, index(clip, samples, offset), box('mdat', ...samples)])
}

const timescale = 1000

function index(clip: Clip, samples: readonly Buffer[], offset: number): Buffer {
  const { width, height, framesPerSecond } = clip
  const each = timescale / framesPerSecond
  const duration = each * samples.length
  const head = box(
    'mvhd',
    ...[u32(0), u32(0), u32(0), u32(timescale), u32(duration), u32(0x10000), u16(0x100), zeros(10)],
    ...[matrix, zeros(24), u32(2)],
  )
  const trackHead = box(
    'tkhd',
    ...[u32(3), u32(0), u32(0), u32(1), u32(0), u32(duration), zeros(16), matrix, u32(width << 16), u32(height << 16)],
  )
  const table = box(
    'stbl',
    box('stsd', u32(0), u32(1), entry(clip)),
    box('stts', u32(0), u32(1), u32(samples.length), u32(each)),
    box('stss', u32(0), u32(1), u32(1)),
    box('stsc', u32(0), u32(1), u32(1), u32(samples.length), u32(1)),
    box('stsz', u32(0), u32(0), u32(samples.length), ...samples.map(({ length }) => u32(length))),
    box('stco', u32(0), u32(1), u32(offset)),
  )
  const media = box(
    'mdia',
    box('mdhd', u32(0), u32(0), u32(0), u32(timescale), u32(duration), u16(0x55c4), u16(0)),
    box('hdlr', u32(0), u32(0), ascii('vide'), zeros(12), ascii('clip\0')),
    box('minf', box('vmhd', u32(1), zeros(8)), box('dinf', box('dref', u32(0), u32(1), box('url ', u32(1)))), table),
  )
  return box('moov', head, box('trak', trackHead, media))
}

function entry({ width, height, sps, pps }: Clip): Buffer {
  const [, profile = 0, constraints = 0, level = 0] = sps
  const sets = Buffer.concat([
    ...[Buffer.of(1, profile, constraints, level, 0xff, 0xe1), u16(sps.length), sps],
    ...[Buffer.of(1), u16(pps.length), pps],
  ])
  return box(
    'avc1',
    ...[zeros(6), u16(1), zeros(16), u16(width), u16(height), u32(0x480000), u32(0x480000), u32(0), u16(1)],
    ...[zeros(32), u16(24), u16(0xffff), box('avcC', sets)],
  )
}

function box(type: string, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([u32(content.length + 8), ascii(type), content])
}

const ascii = (text: string) => Buffer.from(text, 'latin1')
const zeros = (count: number) => Buffer.alloc(count)

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(Math.round(value))
  return bytes
}

/** Neither turned nor scaled. */
const matrix = Buffer.concat([0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000].map(u32))
