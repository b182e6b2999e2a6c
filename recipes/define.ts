// Makes a recipe of what differs between models: fields, request, marker, output and price. The rest follows from what comes out.
// Recipes are written with it, by people and by `npm run add`; docs/recipes.md begins with one.
import * as z from 'zod'
import type { GenerationRequest } from '../core/provider.ts'
import type { Example, OutputKind, Price, Recipe, StepContext, Timing } from '../core/recipe.ts'
import { archiveField, type ImagePolicy, imageField, textField } from './fields.ts'
import { urlsIn } from './outputs.ts'
import { filesOf, type Profile, paceOf, paces } from './profiles.ts'

const fieldsOf = (policy: ImagePolicy) => ({
  /** One to so many characters. */
  text: textField,
  /** A picture: an https URL, an upload or a data URI. What is stored of it is a reference for `link`. */
  image: () => imageField(policy),
  /** One to so many of them. */
  images: (most: number) => z.array(imageField(policy)).min(1).max(most, `at most ${most} pictures are taken`),
  /** A zip file of photos. */
  archive: () => archiveField(policy),
  /** For fields of one's own. */
  policy,
})
export type Fields = ReturnType<typeof fieldsOf>

type Shape = z.ZodType | Readonly<Record<string, z.ZodType>>
type Written<S> = S extends z.ZodType ? S : S extends Record<string, z.ZodType> ? z.ZodObject<S, z.core.$strict> : never
type InputOf<S> = z.output<Written<S>>

/** A value, or what gives it for an input and a step. */
type By<Input, Value> = Value | ((input: Input, step: number) => Value)

/**
 * How an attempt is recognised in its provider's list, should the answer to its create be lost. `seed`: the model takes one, and is sent the
 * attempt's. `link`: the links of its input files carry it. `none`: neither is possible, and a lost answer waits for a person.
 */
export type Marker = 'seed' | 'link' | 'none'

/** What differs between two providers of one kind of task. */
export interface Place<Input> {
  provider: string
  /** The provider's own name for what runs; `owner/name:version` for a model that Replicate runs by version. */
  model: By<Input, string>
  marker: By<Input, Marker>
  /** The model's input for one step. A seed is added, and links are marked, as the marker says. */
  request(input: Input, context: StepContext): Record<string, unknown> | Promise<Record<string, unknown>>
  /** In millionths of a dollar a step, with the page that tells it and its day; or that nobody knows. */
  price: (Omit<Price<Input>, 'of'> & { of: By<Input, number> }) | 'unknown'
  /** What comes back, by kind, where it isn't what this provider's models usually give. */
  returns?: Readonly<Partial<Record<OutputKind, unknown>>>
  /** The members of an output object that hold its files, where they aren't called as usual. */
  members?: readonly string[]
  /** Work of hours: a provider that would run it again by itself after a fault then shows the fault. */
  runOnce?: true
}

/** Members of a recipe that are made here, and not taken as they are. */
type Made = 'provider' | 'input' | 'example' | 'moreExamples' | 'totalSteps' | 'request' | 'price' | 'marker' | 'timing'
type Taken<Input> = Partial<Omit<Recipe<Input>, Made | 'name' | 'elsewhere' | 'changes' | 'applyChange'>>

export interface Definition<S extends Shape, C extends Shape> extends Place<InputOf<S>>, Taken<InputOf<S>> {
  name: string
  /** The recipe's own fields of a start request, by name; or a schema of them. */
  fields: (of: Fields) => S
  /** What a step makes. Several: they take turns, unless `makes` says otherwise. */
  output: OutputKind | readonly OutputKind[]
  /** 1, unless it says otherwise. */
  steps?: (input: InputOf<S>) => number
  /** What a person may change for the next attempt or step, by name; and the input that comes of it. */
  changes?: (of: Fields) => C
  applyChange?: (input: InputOf<S>, step: number, change: InputOf<C>) => InputOf<S>
  /** How often predictions are checked; follows from the output. */
  profile?: Profile
  timing?: Partial<Timing>
  /** A start request as a caller writes it, and more where other inputs lead to other models. */
  example: z.input<Written<S>>
  moreExamples?: readonly z.input<Written<S>>[]
  exampleChange?: z.input<Written<C>>
  /** The same kind of task at other providers: the first whose key is set is taken where this one's is not. */
  elsewhere?: readonly Place<InputOf<S>>[]
}

/** A recipe, as soon as this deployment's image policy is known. */
export function defineRecipe<const S extends Shape, const C extends Shape = Shape>(definition: Definition<S, C>) {
  return (policy: ImagePolicy): Recipe<InputOf<S>> => {
    const { elsewhere = [] } = definition
    const others = elsewhere.map((place) => recipeAt(definition, place, policy) as Recipe)
    const recipe = recipeAt(definition, definition, policy)
    return others.length > 0 ? Object.assign(recipe, { elsewhere: others }) : recipe
  }
}

function recipeAt<S extends Shape, C extends Shape>(
  definition: Definition<S, C>,
  place: Place<InputOf<S>>,
  policy: ImagePolicy,
): Recipe<InputOf<S>> {
  const { fields, output, steps, changes, applyChange, profile, timing, ...more } = definition
  const { example, moreExamples, exampleChange, elsewhere: _elsewhere, ...taken } = more
  const { provider: _provider, model, marker, request, price, returns, members, runOnce, ...own } = taken
  const kinds = [output].flat()
  const files = kinds.map((kind) => filesOf[kind])
  const pace = paces[profile ?? paceOf[kinds.at(-1) ?? 'image']]
  const named = place.members ?? files.flatMap((file) => file.members)
  const exampleOf = (input: unknown): Example => {
    const outputs = Object.fromEntries(
      kinds.map((kind) => [kind, place.returns?.[kind] ?? usual(place.provider, kind)]),
    )
    return { input, output: outputs[kinds[0] ?? 'image'], outputs }
  }
  const recipe: Omit<Recipe<InputOf<S>>, 'input'> = {
    provider: place.provider,
    totalSteps: steps ?? (() => 1),
    makes: (_input, step) => kinds[(step - 1) % kinds.length] ?? 'image',
    outputUrls: (made) => urlsIn(made, named),
    accept: files.flatMap(({ accept }) => accept),
    maxBytes: Math.max(...files.map(({ maxBytes }) => maxBytes)),
    gate: 'manual',
    stepSeconds: pace.stepSeconds,
    ...own,
    timing: { ...pace.timing, ...timing },
    example: { ...exampleOf(example), ...(exampleChange !== undefined && { change: exampleChange }) },
    ...(moreExamples && { moreExamples: moreExamples.map(exampleOf) }),
    request: (input, context) => requestAt(place, input, context),
    price: priceOf(place.price),
    ...(place.marker === 'none' && { marker: 'none' }),
    ...(applyChange && { applyChange: applyChange as NonNullable<Recipe<InputOf<S>>['applyChange']> }),
  }
  return withSchemas(recipe, {
    input: () => schemaOf(fields(fieldsOf(policy))),
    ...(changes && { changes: () => schemaOf(changes(fieldsOf(policy))) }),
  })
}

/**
 * Makes each schema when it is first asked for. Most requests need one of one recipe, or none; to make all of them in every function that
 * starts would take longer with each recipe.
 */
function withSchemas<Bare extends object, Schemas extends Record<string, () => z.ZodType>>(
  bare: Bare,
  schemas: Schemas,
): Bare & { [Name in keyof Schemas]: ReturnType<Schemas[Name]> } {
  for (const [name, make] of Object.entries(schemas)) {
    let made: z.ZodType | undefined
    Object.defineProperty(bare, name, { enumerable: true, get: () => (made ??= make()) })
  }
  return bare as Bare & { [Name in keyof Schemas]: ReturnType<Schemas[Name]> }
}

const schemaOf = <S extends Shape>(fields: S) =>
  (fields instanceof z.ZodType ? fields : z.strictObject(fields as Record<string, z.ZodType>)) as z.ZodType<InputOf<S>>

const given = <Input, Value>(by: By<Input, Value>, input: Input, step: number): Value =>
  typeof by === 'function' ? (by as (input: Input, step: number) => Value)(input, step) : by

async function requestAt<Input>(place: Place<Input>, input: Input, context: StepContext): Promise<GenerationRequest> {
  const marker = given(place.marker, input, context.step)
  const [model = '', version] = given(place.model, input, context.step).split(':')
  const link: StepContext['link'] = (reference, options) =>
    context.link(reference, { isMarked: marker === 'link', ...options })
  const own = await place.request(input, { ...context, link })
  return {
    model,
    ...(version !== undefined && { version }),
    // A caller's own seed stays; then it isn't a marker, and a lost answer is found by its webhook alone.
    input: marker === 'seed' ? { seed: context.seed, ...own } : own,
    ...(place.runOnce && { runOnce: true }),
  }
}

function priceOf<Input>(price: Place<Input>['price']): Recipe<Input>['price'] {
  return price === 'unknown' ? price : { ...price, of: (input, step) => given(price.of, input, step) }
}

/** Replicate's models mostly return an address, fal's an object of files. */
function usual(provider: string, kind: OutputKind): unknown {
  const { members, named, type } = filesOf[kind]
  const url = `https://${provider === 'fal' ? 'v3.fal.media' : 'replicate.delivery'}/files/${named}`
  if (provider !== 'fal') return url
  const [member = 'file'] = members
  const file = { url, content_type: type }
  return { [member]: member.endsWith('s') ? [file] : file }
}
