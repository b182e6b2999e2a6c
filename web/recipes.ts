// The kinds of task that this page has a form for, which of them it offers, and what to expect of their steps.
import type { RecipeName } from './inputs.ts'

/** Set by the build: what the functions run. */
declare const __RECIPES__: readonly string[]
/** The same: what a step costs, in millionths of a dollar. */
declare const __PRICES__: Readonly<Record<string, number | null>>

const known: readonly RecipeName[] = ['try-on', 'avatar', 'memes']
export const offered: readonly RecipeName[] = known.filter((name) => __RECIPES__.includes(name))

export const isKnown = (name: string): name is RecipeName => known.some((one) => one === name)

/** Of so many steps, or undefined where it isn't known. */
export function priceOf(name: RecipeName, steps: number): number | undefined {
  const price = __PRICES__[name] ?? undefined
  return price === undefined || steps === 0 ? undefined : price * steps
}

export const usualSeconds: Record<RecipeName, number> = { 'try-on': 20, avatar: 1_800, memes: 6 }
export const mostGarments = 10
export const mostPrompts = 10
export const fewestPhotos = 4
export const mostPhotos = 20
/** What an upload may have. */
export const mostZipBytes = 4 * 1024 * 1024
