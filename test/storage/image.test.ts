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

test('what is transparent becomes white, as no model sees what lies under it', async () => {
  const sent = await sharp({ create: { width: 9, height: 9, channels: 4, background: '#00000000' } })
    .png()
    .toBuffer()
  const kept = sharp(await cleanImage(sent))
  expect(await kept.metadata()).toMatchObject({ channels: 3, hasAlpha: false })
  expect([...(await kept.raw().toBuffer()).subarray(0, 3)]).toEqual([255, 255, 255])
})

test('an AVIF picture is taken, and kept as what models read', async () => {
  const kept = await cleanImage(await plain(60, 40).avif().toBuffer())
  expect(await sharp(kept).metadata()).toMatchObject({ format: 'jpeg', width: 60, height: 40 })
})

test('a HEIC picture is refused in words that say what to do', async () => {
  const heic = Buffer.from('00000018667479706865696300000000686569636d696631', 'hex')
  await expect(cleanImage(heic)).rejects.toThrow('save it as JPEG')
})

test('a large picture is made smaller, and once more when that is not enough', async () => {
  const wide = await sharp(await cleanImage(await plain(6_000, 1_000).jpeg().toBuffer())).metadata()
  expect([wide.width, wide.height]).toEqual([4_096, 683])
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

test.each([
  ['a PNG that another program packs better', () => noise(1_300, 1_300).png().toBuffer()],
  ['the noise of a sensor', () => noise(2_600, 2_000).jpeg({ quality: 100 }).toBuffer()],
])(
  '%s is never too large for what writing it anew makes of it',
  async (_name, make) => {
    const kept = await cleanImage(await make())
    expect(kept.byteLength).toBeLessThanOrEqual(4 * 1024 * 1024)
    expect((await sharp(kept).metadata()).width).toBeGreaterThanOrEqual(1_024)
  },
  120_000,
)

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
