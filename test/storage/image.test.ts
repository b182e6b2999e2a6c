import sharp from 'sharp'
import { expect, test } from 'vitest'
import { cleanImage } from '../../storage/image.ts'
import { png } from './setup.ts'

const noise = (width: number, height: number) =>
  sharp({
    create: { width, height, channels: 3, background: '#888', noise: { type: 'gaussian', mean: 128, sigma: 60 } },
  })
const plain = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: 'red' } })

/** As a phone writes it: lying on its side, with the place where it was taken. */
const fromPhone = () =>
  noise(300, 200)
    .jpeg()
    .withMetadata({ orientation: 6, exif: { IFD0: { Make: 'Phone' }, IFD3: { GPSLatitude: '51/1 30/1 0/1' } } })
    .toBuffer()

test('a photo is set upright and loses what the camera wrote into it', async () => {
  const sent = await fromPhone()
  expect((await sharp(sent).metadata()).exif?.includes('Phone')).toBe(true)
  const kept = await sharp(await cleanImage(sent)).metadata()
  expect(kept).toMatchObject({ format: 'jpeg', width: 200, height: 300 })
  expect([kept.exif, kept.orientation, kept.icc, kept.xmp, kept.iptc]).toEqual(Array(5).fill(undefined))
})

test.each(['png', 'jpeg', 'webp'] as const)(
  '%s stays what it is, and what was hidden behind the picture is gone',
  async (format) => {
    const sent = Buffer.concat([await noise(40, 30).toFormat(format).toBuffer(), Buffer.from('a secret at the end')])
    const kept = Buffer.from(await cleanImage(sent))
    expect(await sharp(kept).metadata()).toMatchObject({ format, width: 40, height: 30 })
    expect(kept.includes('secret')).toBe(false)
  },
)

test('transparency stays', async () => {
  const sent = await sharp({ create: { width: 9, height: 9, channels: 4, background: '#ff000080' } })
    .png()
    .toBuffer()
  expect(await sharp(await cleanImage(sent)).metadata()).toMatchObject({ channels: 4, hasAlpha: true })
})

test('a large picture is made smaller, and once more when that is not enough', async () => {
  const wide = await sharp(await cleanImage(await plain(6_000, 1_000).jpeg().toBuffer())).metadata()
  expect([wide.width, wide.height]).toEqual([4_096, 683])
  const rough = await cleanImage(await noise(3_000, 500).png().toBuffer())
  expect(await sharp(rough).metadata()).toMatchObject({ width: 2_048, height: 341 })
})

test('a small file that unfolds into too many pixels is refused before it is unfolded', async () => {
  const bomb = await plain(7_500, 7_500).png({ compressionLevel: 9 }).toBuffer()
  expect(bomb.byteLength).toBeLessThan(200_000)
  await expect(cleanImage(bomb)).rejects.toMatchObject({ reason: 'too_large' })
  const lying = Buffer.from(await plain(9, 9).png().toBuffer())
  lying.writeUInt32BE(100_000, 16)
  lying.writeUInt32BE(100_000, 20)
  await expect(cleanImage(lying)).rejects.toMatchObject({ reason: 'too_large' })
})

test('a picture that can not be written in 4 MB is refused', async () => {
  await expect(cleanImage(await noise(1_300, 1_300).png().toBuffer())).rejects.toMatchObject({ reason: 'too_large' })
})

test('what only looks like a picture is refused', async () => {
  const photo = await fromPhone()
  const shams = [
    Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    Buffer.from('GIF89a\x01\0\x01\0\x80\0\0\0\0\0\0\0\0'),
    Buffer.from('PK\x03\x04 a zip'),
    Buffer.from('%PDF-1.7'),
    Buffer.from('<!doctype html>'),
    photo.subarray(0, photo.length / 2),
    photo.subarray(0, 20),
    png(40),
  ]
  for (const sham of shams) await expect(cleanImage(sham)).rejects.toMatchObject({ reason: 'wrong_type' })
  await expect(cleanImage(Buffer.alloc(0))).rejects.toMatchObject({ reason: 'empty' })
})
