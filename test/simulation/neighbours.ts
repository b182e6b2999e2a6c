// What else the account is used for: predictions that no task of ours made, in the same list as ours.
import { replicateUrl } from './weather.ts'
import type { World } from './world.ts'

/** Some are erased as soon as they are over, by their owner's own setting. */
export async function addNeighbour({ random, providers, scheduler }: World): Promise<void> {
  const { replicate, neighbours } = providers
  // Outcomes that wait are meant for ours.
  if (replicate.waitingFaults().some(({ on }) => on === 'outcome' || on === 'create')) return
  if (random.chance(0.3)) replicate.addFaults([{ on: 'outcome', fault: 'data_removed', seconds: 5 }])
  const isTryOn = random.chance(0.6)
  const image = 'https://images.test/somebody.png'
  const body = isTryOn
    ? { input: { person_image: image, garment_images: [image] } }
    : { input: { prompt: 'somebody else' } }
  const path = `/models/${isTryOn ? 'prunaai/p-image-try-on' : 'black-forest-labs/flux-schnell'}/predictions`
  const headers = { authorization: 'Bearer simulated' }
  const request = { method: 'POST', headers, body: JSON.stringify(body) }
  const response = await replicate.fetch(new Request(`${replicateUrl}/v1${path}`, request))
  const { id } = (await response.json()) as { id: string }
  neighbours.add(id)
  scheduler.note(`somebody else's prediction ${id} is created`)
}
