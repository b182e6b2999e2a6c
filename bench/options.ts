// A part's options, `--name VALUE` or `--flag`, over their defaults. Each part calls readOptions(); bench.ts says what is wrong with them.
import { parseArgs } from 'node:util'

type Options = Record<string, string | number | boolean>
type Read<T extends Options> = {
  [Name in keyof T]: T[Name] extends number ? number : T[Name] extends string ? string : boolean
}

export class WrongOption extends Error {}

/** A default that is a number takes whole numbers: from 0 where it is 0, from 1 otherwise. Throws WrongOption, with the known ones. */
export function readOptions<T extends Options>(args: readonly string[], defaults: T): Read<T> {
  const names = Object.keys(defaults)
  const typeOf = (name: string) => (typeof defaults[name] === 'boolean' ? ('boolean' as const) : ('string' as const))
  const options = Object.fromEntries(names.map((name) => [name, { type: typeOf(name) }]))
  const known = names.map((name) => (typeOf(name) === 'boolean' ? `--${name}` : `--${name} ${defaults[name]}`))
  try {
    const { values } = parseArgs({ args: [...args], options })
    const read = names.map((name) => [name, readValue(name, values[name], defaults[name] ?? '')])
    return Object.fromEntries(read) as Read<T>
  } catch (cause) {
    throw new WrongOption(`${(cause as Error).message}\nKnown are, with their defaults: ${known.join(' ')}`, { cause })
  }
}

function readValue(name: string, given: string | boolean | undefined, fallback: string | number | boolean) {
  if (given === undefined || typeof fallback !== 'number') return given ?? fallback
  const [value, least] = [Number(given), Math.min(1, fallback)]
  if (/^\d+$/.test(String(given)) && value >= least) return value
  throw new WrongOption(`--${name} must be a whole number from ${least} on, not "${given}".`)
}
