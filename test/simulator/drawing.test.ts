import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { cutOut } from '../../simulator/cutout.ts'
import { type Category, drawDressed } from '../../simulator/draw.ts'
import { harness } from './harness.ts'

const sample = (name: string) => readFile(join(import.meta.dirname, '../../web/public/samples', name))
const wear = async (human: Uint8Array, garment: string, category: Category, seed = 42) =>
  (await drawDressed({ human, garment: await sample(garment), category, seed })).bytes

// Spots of the 768 × 1024 picture where each garment of the walk shows, and where nothing may change.
const spots = {
  leg: { left: 315, top: 720, width: 40, height: 60 },
  chest: { left: 365, top: 400, width: 40, height: 60 },
  sleeve: { left: 236, top: 440, width: 24, height: 40 },
  face: { left: 345, top: 110, width: 80, height: 80 },
}

async function colourAt(picture: Uint8Array, spot: keyof typeof spots): Promise<number[]> {
  const cut = await sharp(picture).extract(spots[spot]).toBuffer()
  return (await sharp(cut).stats()).channels.slice(0, 3).map(({ mean }) => mean)
}

async function changed(before: Uint8Array, after: Uint8Array): Promise<string[]> {
  const seen: string[] = []
  for (const spot of Object.keys(spots) as (keyof typeof spots)[]) {
    const [a, b] = [await colourAt(before, spot), await colourAt(after, spot)]
    if (a.some((value, channel) => Math.abs(value - (b[channel] ?? 0)) > 12)) seen.push(spot)
  }
  return seen
}

test('a photo that lies on its side stays so, whatever its EXIF says', async () => {
  const upright = await sharp(await sample('person.jpg'))
    .rotate(90)
    .withMetadata({ orientation: 8 })
    .jpeg()
    .toBuffer()
  const drawn = await sharp(await wear(upright, 'shirt.png', 'upper_body')).metadata()
  expect(drawn.width).toBeGreaterThan(drawn.height)
})

test('what is transparent shows the colour that lies there', async () => {
  const clear = { r: 0, g: 0, b: 0, alpha: 0 }
  const person = await sharp({ create: { width: 768, height: 1024, channels: 4, background: clear } })
    .png()
    .toBuffer()
  expect((await colourAt(await wear(person, 'trousers.png', 'lower_body'), 'face')).every((value) => value < 12)).toBe(
    true,
  )
  const garment = await sharp({ create: { width: 9, height: 9, channels: 4, background: clear } })
    .png()
    .toBuffer()
  expect((await cutOut(garment)).data.subarray(0, 4)).toEqual(Buffer.from([0, 0, 0, 255]))
})

test('three garments in a row are all seen on the person', async () => {
  const person = await sample('person.jpg')
  const trousers = await wear(person, 'trousers.png', 'lower_body')
  const shirt = await wear(trousers, 'shirt.png', 'upper_body')
  const jacket = await wear(shirt, 'jacket.png', 'upper_body')
  expect(await changed(person, trousers)).toEqual(['leg'])
  expect(await changed(trousers, shirt)).toEqual(['chest'])
  expect(await changed(shirt, jacket)).toEqual(['sleeve'])
  expect(await changed(person, jacket)).toEqual(['leg', 'chest', 'sleeve'])
  expect(await sharp(jacket).metadata()).toMatchObject({ format: 'jpeg', width: 768, height: 1024 })
})

test('a dress covers chest and legs, and leaves the face', async () => {
  const person = await sample('person.jpg')
  expect(await changed(person, await wear(person, 'dress.png', 'dresses'))).toEqual(['leg', 'chest'])
})

test('another seed draws a visibly other picture, the same seed the same', async () => {
  const person = await sample('person.jpg')
  const pictures = await Promise.all([42, 43, 43].map((seed) => wear(person, 'trousers.png', 'lower_body', seed)))
  const [plain = person, redone = person, again = person] = pictures
  expect(await changed(plain, redone)).toEqual(['leg'])
  expect(Buffer.compare(redone, again)).toBe(0)
})

test('a white background goes, white within the garment stays', async () => {
  const photo = await sharp({ create: { width: 200, height: 200, channels: 3, background: '#fefefe' } })
    .composite([
      { input: { create: { width: 100, height: 80, channels: 3, background: '#204080' } }, left: 50, top: 60 },
      { input: { create: { width: 40, height: 40, channels: 3, background: '#ffffff' } }, left: 80, top: 80 },
    ])
    .jpeg({ quality: 100 })
    .toBuffer()
  const { data, width, height } = await cutOut(photo)
  expect([width, height]).toEqual([100, 80])
  expect(data[(40 * width + 50) * 4 + 3]).toBe(255)
  const blank = await cutOut(
    await sharp({ create: { width: 9, height: 9, channels: 3, background: '#fff' } })
      .png()
      .toBuffer(),
  )
  expect([blank.width, blank.height, blank.data[3]]).toEqual([9, 9, 255])
})

test('a succeeded prediction serves the composed picture, from an address and from a data URI', async () => {
  const asked: string[] = []
  const { create, get, call, advance } = harness({
    drawing: true,
    fetchInput: async (url) => {
      asked.push(url)
      return new Response(Buffer.from(await sample('person.jpg')), { headers: { 'content-type': 'image/jpeg' } })
    },
  })
  const human_img = 'https://images.test/person.jpg'
  const garm_img = `data:image/png;base64,${(await sample('trousers.png')).toString('base64')}`
  const { id } = await create({ input: { human_img, garm_img, category: 'lower_body' } })
  expect(asked).toEqual([])
  advance(4)
  const shown = await Promise.all([get(id), get(id)])
  const file = await call('GET', String(shown[0]?.output))
  expect(file.headers.get('content-type')).toBe('image/jpeg')
  expect(await changed(await sample('person.jpg'), await file.bytes())).toEqual(['leg'])
  expect(asked).toEqual([human_img])
})

test.each([
  ['a network failure', () => Promise.reject(new TypeError('fetch failed')), /Could not fetch the input image/],
  ['HTTP 404', async () => new Response('', { status: 404 }), /HTTP 404/],
  [
    'a web page',
    async () => new Response('<p>', { headers: { 'content-type': 'text/html' } }),
    /cannot identify image/,
  ],
  ['no image at all', async () => new Response('rubbish'), /unsupported image format|cannot identify/],
])('an input that is %s fails the prediction with its words', async (_, fetchInput, words) => {
  const { create, get, advance, replicate } = harness({ drawing: true, fetchInput })
  const { id } = await create()
  advance(4)
  expect(await get(id)).toMatchObject({ status: 'failed', output: null, error: expect.stringMatching(words) })
  expect(replicate.till().by_status).toMatchObject({ failed: 1, succeeded: 0 })
})

test('a prompt is drawn on a card of the asked shape and format, one for each output', async () => {
  const { call, get, advance } = harness({ drawing: true })
  const input = { prompt: 'a <cat> & a dog\u0000', num_outputs: 2, aspect_ratio: '16:9', output_format: 'webp' }
  const response = await call('POST', '/v1/models/black-forest-labs/flux-schnell/predictions', { input })
  const { id } = (await response.json()) as { id: string }
  advance(4)
  const { output } = await get(id)
  const files = await Promise.all([output].flat().map(async (url) => (await call('GET', String(url))).bytes()))
  const [first = new Uint8Array(), second = new Uint8Array()] = files
  const { format, width, height } = await sharp(first).metadata()
  expect({ format, ratio: (width / height).toFixed(2) }).toEqual({ format: 'webp', ratio: '1.78' })
  expect(Buffer.compare(first, second)).not.toBe(0)
})
