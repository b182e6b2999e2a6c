// How the try-on models draw: a person with the garments that the input names, each at its place.

import { cutOut } from '../cutout.ts'
import { type Category, drawDressed, type Picture } from '../draw.ts'
import { type Load, loadPicture } from './model.ts'

type Input = Record<string, unknown>
type Dresser = (input: Input, load: Load) => Promise<Picture>

export const dressers: Readonly<Record<string, Dresser>> = {
  async 'cuuupid/idm-vton'(input, load) {
    const [human, garment] = await Promise.all([
      loadPicture(load, String(input['human_img']), 'human_img'),
      loadPicture(load, String(input['garm_img']), 'garm_img'),
    ])
    return drawDressed({ human, garment, category: input['category'] as Category, seed: seedOf(input) })
  },

  // It sorts the garments by itself; their order is of no matter.
  async 'prunaai/p-image-try-on'(input, load) {
    const named = [input['garment_images']].flat().map(String)
    const garments = await Promise.all(
      named.map(async (url) => {
        const garment = await loadPicture(load, url, 'garment_images')
        return { garment, category: await categoryOf(garment) }
      }),
    )
    garments.sort((one, other) => layers.indexOf(one.category) - layers.indexOf(other.category))
    const person = await loadPicture(load, String(input['person_image']), 'person_image')
    let picture: Picture | undefined
    for (const { garment, category } of garments) {
      picture = await drawDressed({ human: picture?.bytes ?? person, garment, category, seed: seedOf(input) })
    }
    if (!picture) throw new Error('garment_images is empty')
    return picture
  },
}

/** From the skin outwards. */
const layers: readonly Category[] = ['lower_body', 'dresses', 'upper_body']

const seedOf = ({ seed }: Input) => (typeof seed === 'number' ? seed : 42)

/** By its outline: what hangs over the legs is long. */
async function categoryOf(garment: Uint8Array): Promise<Category> {
  const { width, height } = await cutOut(garment)
  const slimness = height / width
  if (slimness > 1.95) return 'lower_body'
  return slimness > 1.45 ? 'dresses' : 'upper_body'
}
