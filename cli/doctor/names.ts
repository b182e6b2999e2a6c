// Names of variables that nothing reads, and which one was probably meant. Pure; the doctor's look at the environment uses it.
import { variables } from '../../providers/config.ts'

/** Read by Netlify, by its clients, or by this project's own commands. */
const others = [
  'NETLIFY_DB_URL',
  'NETLIFY_DB_DRIVER',
  'NETLIFY_DATABASE_URL',
  'NETLIFY_DATABASE_URL_UNPOOLED',
  'DATABASE_URL_UNPOOLED',
]

/** The variable that shares most words with a name that nothing reads, or differs from it by a slip of the fingers. */
export function meantBy(name: string): string | undefined {
  if (variables.includes(name) || others.includes(name)) return undefined
  const rated = variables.map((known) => ({ known, likeness: Math.max(sharedWords(name, known), isSlip(name, known)) }))
  const best = rated.reduce((one, other) => (other.likeness > one.likeness ? other : one))
  return best.likeness >= 0.5 ? best.known : undefined
}

function sharedWords(one: string, other: string): number {
  const words = new Set(one.split('_'))
  const all = new Set([...words, ...other.split('_')])
  const shared = other.split('_').filter((word) => words.has(word)).length
  return shared / all.size
}

const mostSlips = 2
const shortName = 6

function isSlip(one: string, other: string): number {
  return one.length >= shortName && distance(one.toUpperCase(), other) <= mostSlips ? 1 : 0
}

/** How many characters have to be put in, taken out or changed. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i)
  for (const [i, character] of [...one].entries()) {
    const above = row
    row = [i + 1]
    for (let j = 1; j <= other.length; j += 1) {
      const changed = (above[j - 1] ?? 0) + (character === other[j - 1] ? 0 : 1)
      row.push(Math.min(changed, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
  }
  return row.at(-1) ?? 0
}
