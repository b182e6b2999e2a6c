// Draws docs/images/chain.png, the README's picture: one person and three garments, each laid on the result of the step
// before by the simulator's own drawing. Run by hand (`node dev/chain-picture.ts`) after changing a sample or the drawing.
import { mkdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { type Category, drawDressed } from './simulator/draw.ts'

const samples = new URL('../web/public/samples/', import.meta.url)
const file = new URL('../docs/images/chain.png', import.meta.url)

const steps: readonly { garment: string; category: Category }[] = [
  { garment: 'trousers.png', category: 'lower_body' },
  { garment: 'shirt.png', category: 'upper_body' },
  { garment: 'jacket.png', category: 'upper_body' },
]
// The model's default seed: the garments keep their own colours.
const seed = 42
const frame = { width: 270, height: 360 }
const gap = 42

const arrow = Buffer.from(
  `<svg xmlns="http://www.w3.org/2000/svg" width="${gap}" height="40"><path d="M9 20 H31 M23 11 L32 20 L23 29"
    fill="none" stroke="#7a8691" stroke-width="4" stroke-linecap="round" stroke-linejoin="round"/></svg>`,
)

async function drawChain(): Promise<Uint8Array[]> {
  const pictures: Uint8Array[] = [await readFile(new URL('person.jpg', samples))]
  for (const { garment, category } of steps) {
    const human = pictures.at(-1) ?? new Uint8Array()
    const dressed = await drawDressed({ human, garment: await readFile(new URL(garment, samples)), category, seed })
    pictures.push(dressed.bytes)
  }
  return pictures
}

const pictures = await drawChain()
const layers = await Promise.all(
  pictures.map(async (picture, index) => {
    const left = index * (frame.width + gap)
    const small = { input: await sharp(picture).resize(frame.width, frame.height).toBuffer(), left, top: 0 }
    return index === 0 ? [small] : [small, { input: arrow, left: left - gap, top: frame.height / 2 - 20 }]
  }),
)
await mkdir(new URL('.', file), { recursive: true })
const width = pictures.length * frame.width + (pictures.length - 1) * gap
const drawn = await sharp({ create: { width, height: frame.height, channels: 4, background: '#ffffff00' } })
  .composite(layers.flat())
  .png({ palette: true, quality: 90, compressionLevel: 9 })
  .toFile(fileURLToPath(file))
console.log(`docs/images/chain.png: ${drawn.width} × ${drawn.height}, ${Math.round(drawn.size / 1024)} kB`)
