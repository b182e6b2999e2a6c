// What was typed after `npm run tasks --`, as one of the commands. Whatever is not understood is said in a sentence.
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { type Status, statuses } from '../core/task.ts'

export const usage = `npm run tasks -- COMMAND

  list         what is in flight, the next due first
    --status S   all of one status: ${statuses.join(', ')}
    --recipe R   of one recipe
    --user U     of one user
    --limit N    at most so many (50)
  show ID      where a task stands, why, who moves it next and when, and its whole history
  check ID     looks at a task now
  recover      picks up everything that is due
  stats        how things stand as a whole

  --env FILE   variables that the process doesn't have itself are read there (.env, if there is one)
  --json       for programs

The database is DATABASE_URL's. check and recover also need what the functions have in their environment.`

export type Command = { isJson: boolean; env?: string } & (
  | { name: 'help' }
  | { name: 'recover' }
  | { name: 'stats' }
  | { name: 'show'; id: string }
  | { name: 'check'; id: string }
  | { name: 'list'; status?: Status | undefined; recipe?: string | undefined; user?: string | undefined; limit: number }
)

export class UsageError extends Error {
  override name = 'UsageError'
}

const filters = z.object({
  status: z.enum(statuses, `--status must be one of ${statuses.join(', ')}`).optional(),
  recipe: z.string().optional(),
  user: z.string().optional(),
  limit: z.coerce
    .number('--limit must be a number')
    .int()
    .min(1)
    .max(1_000, '--limit must be at most 1000')
    .default(50),
})
const taskId = z.uuid()

export function parseCommand(words: string[]): Command {
  const { values, positionals } = parseWords(words)
  const { json: isJson = false, help, env, ...given } = values
  const common = { isJson, ...(env !== undefined && { env }) }
  const [name, ...rest] = positionals
  if (help || name === 'help') return { name: 'help', ...common }
  if (name !== 'list') refuseFilters(given)
  switch (name) {
    case 'list':
      refuseMore(rest)
      return { name, ...common, ...parseFilters(given) }
    case 'show':
    case 'check':
      refuseMore(rest.slice(1))
      return { name, ...common, id: parseId(name, rest[0]) }
    case 'recover':
    case 'stats':
      refuseMore(rest)
      return { name, ...common }
    default:
      throw new UsageError(name === undefined ? 'Say what to do.' : `There is no command "${name}".`)
  }
}

function parseWords(words: string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: words,
      allowPositionals: true,
      options: {
        json: flag,
        help: { ...flag, short: 'h' },
        env: text,
        status: text,
        recipe: text,
        user: text,
        limit: text,
      },
    })
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause })
  }
}

function parseFilters(given: object) {
  const parsed = filters.safeParse(given)
  if (parsed.success) return parsed.data
  throw new UsageError(parsed.error.issues.map(({ message }) => message).join('\n'))
}

function parseId(command: string, id: string | undefined): string {
  if (id === undefined) throw new UsageError(`${command} needs the id of a task.`)
  if (!taskId.safeParse(id).success) throw new UsageError(`"${id}" is not the id of a task: expected a UUID.`)
  return id
}

function refuseFilters(given: object): void {
  const [first] = Object.keys(given)
  if (first !== undefined) throw new UsageError(`--${first} belongs to list.`)
}

function refuseMore([extra]: string[]): void {
  if (extra !== undefined) throw new UsageError(`"${extra}" is one word too many.`)
}
