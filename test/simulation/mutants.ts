// The guards that matter, each taken away through a seam of the simulation. A suite that doesn't notice proves nothing.
import type { Mutant } from './mutant.ts'
import { erasingMutants } from './mutants-erasure.ts'
import { gateMutants } from './mutants-gate.ts'
import { spendingMutants } from './mutants-money.ts'
import { movingMutants } from './mutants-moves.ts'
import { tellingMutants } from './mutants-outbox.ts'
import { payingMutants } from './mutants-payment.ts'
import { storingMutants } from './mutants-storage.ts'

export const mutants: readonly Mutant[] = [
  ...payingMutants,
  ...movingMutants,
  ...storingMutants,
  ...spendingMutants,
  ...gateMutants,
  ...tellingMutants,
  ...erasingMutants,
]

export function requireMutant(name: string): Mutant {
  const found = mutants.find((known) => known.name === name)
  if (found) return found
  throw new Error(`there is no mutant ${name}; there are: ${mutants.map((known) => known.name).join(', ')}`)
}
