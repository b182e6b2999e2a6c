// What is offered here, as the functions tell it: which recipes, what they cost and take. Kept in the browser, so that the next visit draws
// it at once. Forms, tabs and the progress of a task ask.
import { useEffect, useState } from 'preact/hooks'
import type { RecipeView } from './client.ts'
import { keep, kept } from './kept.ts'
import type { Values } from './schema.ts'
import { client, currentUser } from './session.ts'

/** Kinds of task with a form of their own, in the order in which they are offered; any other gets one made of its schema. */
const ownForms = ['try-on', 'avatar', 'memes'] as const
export type OwnForm = (typeof ownForms)[number]
export const hasOwnForm = (name: string): name is OwnForm => ownForms.some((one) => one === name)

/** Set by the build: what it could tell of what is offered. */
declare const __OFFERS__: readonly RecipeView[]

/** A built script's address has a hash of it. What another build has kept may be of another shape: it is asked for anew. */
const build = import.meta.url

let offers = readKept() ?? __OFFERS__
let isAsked = false
const listeners = new Set<(offers: readonly RecipeView[]) => void>()

/** Asked for once a visit, and not for whoever only looks: a page without an answer shows what it knew before. */
export function useOffers(): readonly RecipeView[] {
  const [known, setKnown] = useState(offers)
  useEffect(() => {
    listeners.add(setKnown)
    if (!isAsked && currentUser() !== undefined) void load()
    return () => void listeners.delete(setKnown)
  }, [])
  return known
}

/** Names in the order in which they are shown. */
export function namesOf(known: readonly RecipeView[]): string[] {
  const names = known.map(({ name }) => name)
  return [...ownForms.filter((name) => names.includes(name)), ...names.filter((name) => !hasOwnForm(name))]
}

export const offerOf = (name: string): RecipeView | undefined => offers.find((offer) => offer.name === name)

export const isOffered = (name: string): boolean => offerOf(name) !== undefined

/** Nothing of what it makes is to be looked at or heard: weights, say. */
export const makesOnlyFiles = (name: string): boolean =>
  offerOf(name)?.outputs.every((kind) => kind === 'file') ?? false

/** What so many of the example's steps may cost, with these options chosen in the form; undefined where it isn't known. */
export function priceOf(name: string, steps: number, chosen: Values = {}): number | undefined {
  const { estimated_micros: micros = null, steps: exampleSteps = 1, by_option = {} } = offerOf(name)?.price ?? {}
  if (micros === null || steps === 0) return undefined
  const more = Object.entries(by_option).map(([field, prices]) =>
    chosen[field] === undefined ? 0 : (prices[String(chosen[field])] ?? Number.NaN) - micros,
  )
  const price = more.reduce((sum, one) => sum + one, micros)
  return Number.isNaN(price) ? undefined : Math.ceil((price / exampleSteps) * steps)
}

/** Of all garments in one picture: the first is as dear as a step, each further one by as much more as it is in the example. */
export function outfitPriceOf(garments: number): number | undefined {
  const inExample = offerOf('try-on')?.price.steps ?? 1
  const first = priceOf('try-on', 1)
  const all = priceOf('try-on', inExample, { mode: 'outfit' })
  if (first === undefined || all === undefined || inExample < 2) return undefined
  return Math.ceil(first + ((all - first) / (inExample - 1)) * (garments - 1))
}

/** What a step usually takes. */
export const usualSeconds = (name: string): number => offerOf(name)?.step_seconds ?? 20

async function load(): Promise<void> {
  isAsked = true
  try {
    offers = await client.recipes()
  } catch {
    // Asked again by the next form that is opened.
    isAsked = false
    return
  }
  keep('recipes', JSON.stringify({ build, offers }))
  for (const listener of listeners) listener(offers)
}

function readKept(): readonly RecipeView[] | undefined {
  try {
    const known = JSON.parse(kept('recipes') ?? '{}') as { build?: string; offers?: readonly RecipeView[] }
    return known.build === build ? known.offers : undefined
  } catch {
    return undefined
  }
}

export const mostGarments = 10
export const mostPrompts = 10
/** A person is learned from more photos than a style: what the recipe asks of a zip file. */
export const fewestPhotos = { portrait: 10, style: 4 } as const
export const mostPhotos = 20
/** What an upload may have. */
export const mostZipBytes = 4 * 1024 * 1024
