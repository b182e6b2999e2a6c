// A recipe's schemas as JSON Schema, for the contract and for pages that make a form of them. The list of recipes and openapi.ts load it.
import * as z from 'zod'

type Json = Record<string, unknown>

type Override = (context: { jsonSchema: Json }) => void

/** A field that a bare value will do for is either that, or the whole. */
export const withShorthands: Override = ({ jsonSchema }) => {
  const { shorthand, ...full } = jsonSchema as Json & { shorthand?: string; properties?: Json }
  if (!shorthand) return
  for (const key of Object.keys(jsonSchema)) delete jsonSchema[key]
  Object.assign(jsonSchema, { anyOf: [full.properties?.[shorthand] ?? {}, full] })
}

/** Of what a caller writes. Rules that JSON Schema can't say are in the refusals' words. */
export function jsonSchemaOf(schema: z.ZodType): Json {
  const { $schema: _, ...shape } = z.toJSONSchema(schema, {
    ...{ io: 'input', unrepresentable: 'any' },
    override: (context) => withShorthands(context as Parameters<Override>[0]),
  })
  return shape
}
