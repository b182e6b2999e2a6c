// What a kind of task is: its input, how each step's request is built, its timing and its policies.
// A new recipe is one file in `recipes/` that satisfies this interface, and one line in `recipes/index.ts`.
import type { ZodType } from 'zod'
import type { GenerationRequest, Metrics } from './provider.ts'

/** When a prediction is checked. Between checks a quarter of the time already waited passes, within min and max. */
export interface Timing {
  /** After submission, before the first check. */
  firstCheckSeconds: number
  minCheckSeconds: number
  maxCheckSeconds: number
  /** After this long, checks come `slowCheckSeconds` apart. */
  watchSeconds: number
  slowCheckSeconds: number
  /** From submission to `timed_out`. */
  limitSeconds: number
  /** From a shown result to `gate_expired`. */
  gateSeconds: number
  /** How long an unconfirmed submission is searched for before it ends as `submission_unconfirmed`. */
  unconfirmedSeconds: number
}

export interface LinkOptions {
  /**
   * Also a foreign address carries the attempt's marker, in its fragment, which no client sends to a server. For a model
   * whose input has no seed, or else its submission couldn't be found in the provider's list.
   */
  isMarked?: boolean
}

/** What a step's request is built from. */
export interface StepContext {
  /** 1 for the first step. */
  step: number
  /** The result of the step before, as a reference for `link`; absent in the first step. */
  previous: string | undefined
  /** Turns a file reference of the input, or `previous`, into what the provider can fetch. */
  link(reference: string, options?: LinkOptions): Promise<string>
  /** Differs for every attempt and is the same if the request is built again: a seed that also marks the attempt. */
  seed: number
  /** How many pictures this one prediction is asked for: 1, or up to the recipe's `candidates.max`. */
  candidates: number
}

/** What a result is for whoever looks at it; its MIME type tells, judged by content. */
export const outputKinds = ['image', 'video', 'audio', 'file'] as const
export type OutputKind = (typeof outputKinds)[number]

export interface Example {
  /** As a caller writes it. */
  input: unknown
  /** As the provider returns it for one step. */
  output: unknown
  /** The same of the steps that make something else than the first one, by what they make. */
  outputs?: Readonly<Partial<Record<OutputKind, unknown>>>
  /** Of a recipe with `changes`: one as a caller writes it, for the first step. */
  change?: unknown
}

/** In millionths of a US dollar, as whole numbers. docs/money.md tells what is made of it. */
export interface Price<Input = unknown> {
  /**
   * What a step is expected to cost, for one picture: candidates multiply it. On the high side where the provider charges by time: it is
   * reserved before the step begins, so that ceilings hold.
   */
  of(input: Input, step: number): number
  /** The provider's own page that says so, and the day on which it did. */
  source: string
  date: string
  /** What the provider's figures say that it has cost. Left out, or undefined for them: what was expected. */
  settle?(metrics: Metrics): number | undefined
}

/** The most that any recipe may ask for in one prediction. */
export const mostCandidates = 4

/** The fields of a start request that are the same for every recipe, so that none may have a field of its own called so. */
export const startFields = ['recipe', 'auto_continue', 'from', 'candidates', 'notify_url'] as const

/** What `from` at start, a stored result of the user's own, becomes in a recipe's input. */
export interface From<Input = unknown> {
  /** The field of the input that it fills, instead of an image of the caller's. */
  field: string
  /** The only recipe whose results it takes; pictures of any recipe by default. */
  recipe?: string
  /** MIME types of what it takes; the recipe's `inputTypes` by default. */
  types?: readonly string[]
  /** Too large to be copied at start: the file stays its own task's, and is used from there. */
  staysThere?: true
  /** The input, with what else is to be known of the task that the result is of. */
  adopt?(input: Input, source: { recipe: string; input: unknown }): Input
}

export interface Recipe<Input = unknown, Change = unknown> {
  name: string
  provider: string
  /** The recipe's own fields of the start request. */
  input: ZodType<Input>
  /** MIME types of the files that an input may name, judged by content where they are stored here. Images by default. */
  inputTypes?: readonly string[]
  /** How many photos a zip file of the input holds at least. */
  leastPhotos?(input: Input): number
  /** A start request and a provider's answer to it: the recipe is tried on them before anybody's money is. */
  example: Example
  /** More of them, where other inputs lead to other models: the recipe is tried on each, and the simulator imitates what they ask for. */
  moreExamples?: readonly Example[]
  /** Number of steps, at least 1. */
  totalSteps(input: Input): number
  request(input: Input, context: StepContext): Promise<GenerationRequest>
  /** What a step makes, where it isn't an image. */
  makes?(input: Input, step: number): OutputKind
  /** The URLs of the files in a provider's output, main result first; an empty list means no usable output. */
  outputUrls(output: unknown): string[]
  /** MIME types that an output file may have, judged by its content. */
  accept: readonly string[]
  maxBytes: number
  /** A step's chosen file is an input of the next step: one that a provider could not be given is not accepted there. */
  passesOn?: boolean | ((step: number) => boolean)
  /**
   * Said by a recipe whose requests can carry neither the attempt's seed nor a marked link: a submission whose answer is lost can then
   * not be found in any list, and waits for its webhook, or for a person.
   */
  marker?: 'none'
  /**
   * One prediction can make several pictures, of which a person chooses one. The request asks for `context.candidates`. `isOf` says which
   * steps do; all where it is left out.
   */
  candidates?: { max: number; isOf?(input: Input, step: number): boolean }
  /** What a person may change for the next attempt or the next step. Pictures in it are taken in as those of the input are. */
  changes?: ZodType<Change>
  /** The input that a step is made of with such a change; with `changes`. Throws where the two don't go together, in words for the person. */
  applyChange?(input: Input, step: number, change: Change): Input
  /** Left out: the recipe begins with what its caller sends, never from a result. */
  from?: From<Input>
  /** `unknown` is not free: such tasks count against the limits of number alone. */
  price: Price<Input> | 'unknown'
  /** In dollars: no more is reserved for tasks of this recipe in a day (UTC), whoever starts them. */
  budgetPerDay?: number
  gate: 'manual' | 'auto'
  exclusive?: 'user' | 'global'
  /** Its model's licence, where that allows non-commercial use alone: it is offered only where ENABLE_NONCOMMERCIAL says so. */
  nonCommercial?: { licence: string; source: string }
  /** The same kind of task at other providers: the first whose key is set is taken where this one's is not. */
  elsewhere?: readonly Recipe[]
  /** What one step usually takes, for `estimated_time_seconds`. */
  stepSeconds: number
  timing: Timing
}

/** A recipe as it is at the provider of a task that was started before. */
export const recipeAt = (recipe: Recipe, provider: string): Recipe =>
  placesOf(recipe).find((place) => place.provider === provider) ?? recipe

/** A recipe at each of its providers, the preferred one first. */
export const placesOf = (recipe: Recipe): readonly Recipe[] => [recipe, ...(recipe.elsewhere ?? [])]

/** How many pictures a step makes where a person has asked for so many. */
export const candidatesOf = (
  { candidates }: Pick<Recipe, 'candidates'>,
  input: unknown,
  step: number,
  asked: number,
) => (candidates && (candidates.isOf?.(input, step) ?? true) ? asked : 1)

/** Whether the next step is given what this one made. */
export const isPassedOn = ({ passesOn = false }: Pick<Recipe, 'passesOn'>, step: number): boolean =>
  typeof passesOn === 'function' ? passesOn(step) : passesOn

/** Deterministic 31-bit number of an attempt's claim token: same attempt, same seed; another attempt, another picture. */
export function attemptSeed(claimToken: string): number {
  return Number.parseInt(claimToken.replaceAll('-', '').slice(-8), 16) & 0x7fffffff
}
