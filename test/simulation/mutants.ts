// The guards that matter, each taken away through a seam of the simulation. A suite that doesn't notice proves nothing.
import type { Mutant } from './mutant.ts'
import { erasingMutants } from './mutants-erasing.ts'
import { gateMutants } from './mutants-gate.ts'
import { movingMutants } from './mutants-moving.ts'
import { payingMutants } from './mutants-paying.ts'
import { spendingMutants } from './mutants-spending.ts'
import { storingMutants } from './mutants-storing.ts'
import { tellingMutants } from './mutants-telling.ts'

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
