import { expect, test } from 'vitest'
import type { FaultInput } from '../../simulator/faults.ts'
import { falAt, how, image, requireCreated, scripted, useSimulatedFal } from './fal-setup.ts'

const { simulator, clock, fal } = await useSimulatedFal()
const submit = async () => requireCreated(await fal.submit(image, how))

test('cancel() of one that goes on is asked, and over when it has completed', async () => {
  const prediction = await submit()
  clock.advance(2)
  simulator.fal.addFaults([{ on: 'cancel', fault: 'ignored' }])
  expect(await fal.cancel(prediction)).toEqual({ kind: 'asked' })
  clock.advance(2)
  expect(await fal.cancel(prediction)).toEqual({ kind: 'over' })
  expect(simulator.fal.till().predictions).toMatchObject([{ ending: 'succeeded' }])
})

const faults: [FaultInput, string][] = [
  [{ on: 'cancel', fault: 'unknown_status' }, 'over'],
  [{ on: 'get', fault: 'error' }, 'unreachable'],
]
test.each(faults)('cancel() with %j is %s, and the next one tells', async (fault, kind) => {
  const prediction = await submit()
  simulator.fal.addFaults([fault])
  expect(await fal.cancel(prediction)).toMatchObject({ kind })
  expect(await fal.cancel(prediction)).toEqual({ kind: 'over' })
})

test("cancel() takes fal's word that it comes too late, and asks no more", async () => {
  const server = await scripted(() => ({ status: 400, body: { status: 'ALREADY_COMPLETED' } }))
  const urls = { get: `${server.url}/status`, cancel: `${server.url}/cancel` }
  expect(await falAt({ queueUrl: server.url }).cancel({ id: 'r1', urls })).toEqual({ kind: 'over' })
  expect(server.asked).toMatchObject([{ method: 'PUT', url: '/cancel' }])
})
