// fal under the conformance suite. What is its own has files beside this one.
import { type Subject, sum, testProvider } from './contract.ts'
import { falAt, image, patienceMs, useSimulatedFal } from './fal-setup.ts'

const { simulator, clock, fal, at } = await useSimulatedFal()

const subject: Subject = {
  provider: fal,
  patienceMs: { create: patienceMs, read: patienceMs },
  stranger: at({ key: 'fal_of-somebody-else' }),
  unreachable: falAt({ queueUrl: 'http://127.0.0.1:9' }),
  request: (seed) => ({ ...image, input: { prompt: 'a cat', seed } }),
  isMarked: (input, marker) => input['seed'] === marker,
  notFound: 'unsure',
  addFaults: (...faults) => simulator.fal.addFaults(faults),
  counts: () => {
    const { create_requests, created, requests } = simulator.fal.till()
    return { sent: create_requests, created, listed: requests.list, asked: sum(Object.values(requests)) }
  },
  ...clock,
  reset: () => {
    simulator.fal.reset()
    // The suite looks for running ones too; fal-search.test.ts has the list as it must be expected.
    simulator.fal.set({ list_unfinished: true })
  },
}

testProvider(subject)
