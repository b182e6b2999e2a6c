// Turns what a provider says of an error into a sentence, whatever shape it has. Both providers' answers and webhooks are read with it.

/** Where such objects have their sentence, the most telling first. */
const sentences = ['msg', 'message', 'detail', 'error', 'description', 'reason', 'title', 'type', 'code']
const deepest = 4

/** Words of a text, a number, a list or an object; an empty text where there are none. */
export function wordsOf(value: unknown, depth = 0): string {
  if (typeof value === 'string') return withoutQueries(value.trim())
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value !== 'object' || value === null || depth > deepest) return ''
  const inner = (one: unknown) => wordsOf(one, depth + 1)
  if (Array.isArray(value)) return value.map(inner).filter(Boolean).join('; ')
  const entry = value as Record<string, unknown>
  const said = sentences.map((name) => inner(entry[name])).find(Boolean)
  if (!said) return Object.keys(entry).length > 0 ? withoutQueries(JSON.stringify(entry)) : ''
  return [fieldOf(entry), said].filter(Boolean).join(': ')
}

/** Which part of the input is meant, where it is said. */
function fieldOf({ loc }: Record<string, unknown>): string {
  return Array.isArray(loc) ? loc.filter((part) => part !== 'body').join('.') : ''
}

/** An address that a provider could not fetch may be a signed link of ours. */
const withoutQueries = (words: string) => words.replaceAll(/(https?:\/\/[^\s?"'<>]*)\?[^\s"'<>]*/g, '$1')
