// What steps cost: a recipe's prices as integers, in millionths of a US dollar. Start reserves them, passes settle by what providers tell.
import type { Metrics } from './provider.ts'
import { candidatesOf, type Recipe } from './recipe.ts'

const microsPerDollar = 1_000_000
/** More for one step is a slip of the pen: dollars where cents, or cents where millionths were meant. */
const mostDollars = 1_000

export const microsOf = (dollars: number): number => Math.round(dollars * microsPerDollar)

/** As people write it, to the cent, and finer where a cent hides something: `$0.04`, `$0.0375`. */
export function dollarsOf(micros: number): string {
  const [whole = '', fraction = ''] = (Math.abs(micros) / microsPerDollar).toFixed(6).split('.')
  return `${micros < 0 ? '-' : ''}$${whole}.${fraction.replace(/0{1,4}$/, '')}`
}

/** What a price of this many micros is wrong about, or undefined. */
export function faultOfPrice(micros: unknown): string | undefined {
  if (typeof micros !== 'number' || !Number.isFinite(micros)) return `is ${String(micros)}; it must be a number`
  if (micros < 0) return `is ${micros}; it must be 0 or more`
  if (!Number.isInteger(micros)) return `is ${micros}; it must be a whole number of millionths of a dollar`
  if (micros > microsOf(mostDollars))
    return `is ${dollarsOf(micros)}; more than $${mostDollars} a step is taken for a slip`
  return undefined
}

/** What each step of a task is expected to cost; null where the recipe doesn't know. Throws where a price is wrong. */
export function pricesOf(recipe: Recipe, input: unknown, candidates = 1): (number | null)[] {
  return Array.from({ length: recipe.totalSteps(input) }, (_, index) => priceOf(recipe, input, index + 1, candidates))
}

/** What one attempt of a step is expected to cost, by the same rules. Each candidate is a picture more to be paid. */
export function priceOf(recipe: Recipe, input: unknown, step: number, candidates = 1): number | null {
  const { name, price } = recipe
  if (price === 'unknown') return null
  const micros = price.of(input, step)
  const fault = faultOfPrice(micros)
  if (fault) throw new Error(`recipe ${name}: the price of step ${step} ${fault}`)
  return micros * candidatesOf(recipe, input, step, candidates)
}

/** What all steps are expected to cost; null where one of them isn't known. */
export function sumOf(prices: readonly (number | null)[]): number | null {
  return prices.reduce<number | null>((sum, price) => (sum === null || price === null ? null : sum + price), 0)
}

/** What is known of the steps from this one on: as much as is reserved for them. */
export function knownFrom(prices: readonly (number | null)[] | null, step: number): number {
  return (prices ?? []).slice(step - 1).reduce<number>((sum, price) => sum + (price ?? 0), 0)
}

/**
 * What a prediction cost by its provider's own figures; undefined where they don't tell, or tell nonsense, or what the recipe can't read:
 * then the estimate stands.
 */
export function costOf(recipe: Recipe, metrics: Metrics | undefined): number | undefined {
  const micros = metrics && settled(recipe, metrics)
  if (micros === undefined || !Number.isFinite(micros)) return undefined
  const whole = Math.ceil(micros)
  return faultOfPrice(whole) ? undefined : whole
}

function settled({ price }: Recipe, metrics: Metrics): number | undefined {
  try {
    return price === 'unknown' ? undefined : price.settle?.(metrics)
  } catch {
    return undefined // The price is a guess without it; the result must not be lost with it.
  }
}

/** In millionths of a dollar a day (UTC); null where there is none. */
export interface Ceilings {
  all: number | null
  user: number | null
  /** By name; without those that have none. */
  recipes: Readonly<Record<string, number>>
}
