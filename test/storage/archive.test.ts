// Zip files of photos: what is in them is looked at before anybody is paid to.
import { readFile } from 'node:fs/promises'
import { unzipSync, zipSync } from 'fflate'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { cleanArchive, countPhotos } from '../../storage/archive.ts'

const photo = new Uint8Array(
  await sharp({ create: { width: 60, height: 40, channels: 3, background: 'red' } })
    .jpeg()
    .withMetadata({ orientation: 6, exif: { IFD3: { GPSLatitude: '51/1 30/1 0/1' } } })
    .toBuffer(),
)
const enoughMs = 20_000
const zip = (files: Record<string, Uint8Array>) => zipSync(files)
const reasonOf = (bytes: Uint8Array) =>
  cleanArchive(bytes, enoughMs).then(
    () => 'accepted',
    (error: Error) => error.message,
  )

test('photos in a zip file are set upright and lose what the camera wrote and their names', async () => {
  const clean = await cleanArchive(
    zip({ 'me/Home 12.jpg': photo, 'me/b.JPG': photo, '__MACOSX/._b': photo, 'me/': photo }),
    enoughMs,
  )
  const files = unzipSync(clean)
  expect(Object.keys(files)).toEqual(['001.jpg', '002.jpg'])
  for (const file of Object.values(files)) {
    const { width, height, exif } = await sharp(file).metadata()
    expect([width, height, exif]).toEqual([40, 60, undefined])
  }
  expect(await countPhotos(clean)).toBe(2)
})

test('many photos still fit into what may be stored', async () => {
  const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const
  const rough = await sharp({ create: { width: 700, height: 700, channels: 3, background: '#888', noise } })
    .png()
    .toBuffer()
  const clean = await cleanArchive(
    zip(Object.fromEntries([0, 1, 2].map((n) => [`${n}.png`, new Uint8Array(rough)]))),
    enoughMs,
  )
  expect(clean.byteLength).toBeLessThan(4_300_000)
})

const encrypted = (() => {
  const bytes = Buffer.from(zip({ 'a.jpg': photo }))
  const at = bytes.indexOf(Buffer.from('PK\x01\x02', 'latin1'))
  bytes.writeUInt16LE(bytes.readUInt16LE(at + 8) | 1, at + 8)
  return bytes
})()

/** Many entries that name the same bytes. */
const overlapping = (() => {
  const one = Buffer.from(zipSync({ 'a.bin': new Uint8Array(24_000_000) }))
  const directory = one.indexOf(Buffer.from('PK\x01\x02', 'latin1'))
  const end = one.indexOf(Buffer.from('PK\x05\x06', 'latin1'))
  const entry = one.subarray(directory, end)
  const tail = Buffer.from(one.subarray(end))
  tail.writeUInt16LE(9, 8)
  tail.writeUInt16LE(9, 10)
  tail.writeUInt32LE(entry.byteLength * 9, 12)
  return Buffer.concat([one.subarray(0, directory), ...Array(9).fill(entry), tail])
})()

test.each<[string, Uint8Array, RegExp]>([
  ['one that unfolds into very much', zip({ 'a.jpg': new Uint8Array(300_000_000) }), /more than 25 MB/],
  ['one whose entries overlap', overlapping, /unfolds to more than 100 MB/],
  ['a name that leads out', zip({ '../../etc/passwd': photo }), /unsafe/],
  ['a name from the root', zip({ '/etc/passwd': photo }), /unsafe/],
  ['an SVG image', zip({ 'a.svg': Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>') }), /"a.svg".*not a PNG/],
  ['texts', zip({ 'a.txt': Buffer.from('hello') }), /"a.txt".*not a PNG/],
  ['a zip file', zip({ 'b.zip': zip({ 'a.jpg': photo }) }), /is an archive/],
  ['a zip file by another name', zip({ 'b.jpg': zip({ 'a.jpg': photo }) }), /not a PNG/],
  ['an encrypted file', encrypted, /encrypted/],
  ['a cut photo', zip({ 'a.jpg': photo.subarray(0, photo.length / 2) }), /damaged/],
  ['nothing', zip({}), /no photo/],
  ['only what systems leave', zip({ '.DS_Store': photo }), /no photo/],
  [
    'more photos than anybody needs',
    zip(Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`${n}.jpg`, photo]))),
    /more than 200/,
  ],
  ['half of it', zip({ 'a.jpg': photo }).subarray(0, 200), /damaged/],
  ['four bytes', Buffer.from('PK\x03\x04', 'latin1'), /damaged/],
])('a zip file with %s is refused in words', async (_name, bytes, words) => {
  expect(await reasonOf(bytes)).toMatch(words)
})

test('no byte of a position is left in a zip file', async () => {
  const marked = await readFile(new URL('cases/gps-exif-6.jpg', import.meta.url))
  const files = unzipSync(await cleanArchive(zip({ 'a.jpg': new Uint8Array(marked) }), enoughMs))
  expect(Buffer.from(files['001.jpg'] ?? []).includes('GPSMARKER')).toBe(false)
})

test('a zip file whose photos take longer than there is time is refused as too large, not failed', async () => {
  const refusal = await cleanArchive(zip({ 'a.jpg': photo, 'b.jpg': photo }), 0).catch((error: unknown) => error)
  expect(refusal).toMatchObject({ name: 'UnacceptableFile', reason: 'too_large' })
})
