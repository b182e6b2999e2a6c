// fal under the conformance suite. What is its own has files beside this one.
import { type Subject, testProvider } from './contract.ts'
import { falAt, image, useSimulatedFal } from './fal-setup.ts'

const { simulator, clock, fal, at } = await useSimulatedFal()

const subject: Subject = {
  provider: fal,
  impatient: at({ timeoutMs: 250 }),
  stranger: at({ key: 'fal_of-somebody-else' }),
  unreachable: falAt({ queueUrl: 'http://127.0.0.1:9' }),
  request: (seed) => ({ ...image, input: { prompt: 'a cat', seed } }),
  isMarked: (input, marker) => input['seed'] === marker,
  notFound: 'unsure',
  addFaults: (...faults) => simulator.fal.addFaults(faults),
  counts: () => {
    const { create_requests, created, requests } = simulator.fal.till()
    return { sent: create_requests, created, listed: requests.list }
  },
  ...clock,
  reset: () => {
    simulator.fal.reset()
    // The suite looks for running ones too; fal-search.test.ts has the list as it must be expected.
    simulator.fal.set({ list_unfinished: true })
  },
}

testProvider(subject)
