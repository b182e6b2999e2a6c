// Says whether a JSON text is too deep or holds too many values, without parsing it: JSON.parse takes seconds for six megabytes of
// brackets, and what walks its result would run out of stack. Called for every body that a stranger can send.

export interface JsonBounds {
  /** How deep lists and objects may nest. */
  depth: number
  /** How many values lists and objects may hold, all together. */
  values: number
}

const quote = 34
const comma = 44
const backslash = 92

/** In words what is beyond the bounds; undefined when nothing is, or when the text is no JSON, which the parser says best. */
export function beyondBounds(text: string, bounds: JsonBounds): string | undefined {
  let depth = 0
  let values = 1
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code === quote) index = endOfString(text, index)
    else if (code === comma) values += 1
    else if (isOpening(code)) depth += 1
    else if (isClosing(code)) depth -= 1
    if (depth > bounds.depth) return `must not nest deeper than ${bounds.depth} levels`
    if (values > bounds.values) return `must not hold more than ${bounds.values} values`
  }
  return undefined
}

/** Of `[` and `{`. */
const isOpening = (code: number): boolean => code === 91 || code === 123
/** Of `]` and `}`. */
const isClosing = (code: number): boolean => code === 93 || code === 125

/** Where the string that begins at `start` has its closing quote, or where the text ends. */
function endOfString(text: string, start: number): number {
  let index = start + 1
  for (; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code === quote) return index
    if (code === backslash) index += 1
  }
  return index
}
