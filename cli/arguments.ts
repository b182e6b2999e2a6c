// Reads what was typed after `npm run tasks --` as one of the commands, or throws a sentence about what it can't read. cli/tasks.ts calls it.
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { z } from 'zod'
import { erasedUser } from '../core/erasure.ts'
import { type StoreKind, storeKinds } from '../core/store-choice.ts'
import { type Status, statuses } from '../core/task.ts'
import { type SpendingView, spendingViews } from '../db/statements/usage.ts'
import { providers } from '../providers/index.ts'

export const usage = `npm run tasks -- COMMAND

  list         what is in flight, the next due first
    --all        finished tasks too, the newest first
    --overdue    only what has been due for 10 minutes and waits for no pause
    --status S   all of one status: ${statuses.join(', ')}
    --recipe R   of one recipe
    --user U     of one user
    --limit N    at most so many (50)
  show ID      where a task stands, why, who moves it next and when, and its whole history
  check ID     checks a task now
               ID is a task's id, or that of one of its predictions
  recover      picks up everything that is due
  resume NAME  ends the pause of a provider: its tasks are submitted again
  stats        how things stand as a whole
  deliveries   what was told to apps and people, the newest first, and what became of it
    --open       only what was not delivered
    --limit N    at most so many (50)
    --repeat ID  tells an event once more, under the same id
  spend        what was paid and what is reserved, over thirty days
    --by B       day (as it is by itself), recipe or user
  stop-spending   stops every new start and step, everywhere; what runs is finished
  allow-spending  ends that
  storage      what is stored, by kind and by user
  copy-storage    copies every file into another store; what is there already is left
    --from S, --to S   ${storeKinds.join(', ')}: each as the environment says where it is
  erase        deletes for good, at the provider too as far as it lets us
    --task ID    a task, whatever its state
    --user ID    all that a user has, and their sessions

  --env FILE   where to read the variables that the process doesn't have (.env, if there is one)
  --json       for programs

The database is DATABASE_URL's. check, recover, erase and --repeat also need what the functions have in their environment.`

export type Command = { isJson: boolean; env?: string } & (
  | { name: 'help' }
  | { name: 'recover' }
  | { name: 'stats' }
  | { name: 'spend'; by: SpendingView }
  | { name: 'stop-spending' }
  | { name: 'allow-spending' }
  | { name: 'storage' }
  | { name: 'copy-storage'; from: StoreKind; to: StoreKind }
  | { name: 'erase'; task?: string; user?: string }
  | { name: 'show'; id: string }
  | { name: 'check'; id: string }
  | { name: 'resume'; provider: string }
  | ({ name: 'list' } & Filters)
  | { name: 'deliveries'; open?: boolean | undefined; repeat?: string | undefined; limit: number }
)

interface Filters {
  all?: boolean | undefined
  overdue?: boolean | undefined
  status?: Status | undefined
  recipe?: string | undefined
  user?: string | undefined
  limit: number
}

/** The command of a name, as its own function is handed it. */
export type Of<Name extends Command['name']> = Extract<Command, { name: Name }>

export class UsageError extends Error {
  override name = 'UsageError'
}

const filters = z.object({
  all: z.boolean().optional(),
  overdue: z.boolean().optional(),
  status: z.enum(statuses, `--status must be one of ${statuses.join(', ')}`).optional(),
  recipe: z.string().optional(),
  user: z.string().optional(),
  limit: z
    .string()
    .regex(/^([1-9]\d{0,2}|1000)$/, '--limit must be a number, 1 to 1000')
    .transform(Number)
    .default(50),
})

export const providerNames = providers.map(({ name }) => name)

/** Whose each option is. Given to another command it would be obeyed by nobody. */
const owners: Readonly<Record<string, readonly Command['name'][]>> = {
  all: ['list'],
  overdue: ['list'],
  status: ['list'],
  recipe: ['list'],
  user: ['list', 'erase'],
  limit: ['list', 'deliveries'],
  by: ['spend'],
  from: ['copy-storage'],
  to: ['copy-storage'],
  open: ['deliveries'],
  repeat: ['deliveries'],
  task: ['erase'],
}

export function parseCommand(words: string[]): Command {
  const { values, positionals } = parseWords(words)
  const { json: isJson = false, help, env, ...options } = values
  const common = { isJson, ...(env !== undefined && { env }) }
  const [name, ...rest] = positionals
  if (help || name === 'help') return { name: 'help', ...common }
  refuseForeign(name, options)
  const { by, from, to, open, repeat, task, ...given } = options
  switch (name) {
    case 'list':
      refuseMore(rest)
      return { name, ...common, ...parseFilters(given) }
    case 'show':
    case 'check':
      refuseMore(rest.slice(1))
      return { name, ...common, id: parseId(name, rest[0]) }
    case 'resume':
      refuseMore(rest.slice(1))
      if (rest[0] === undefined)
        throw new UsageError(`resume needs the name of a provider: ${providerNames.join(' or ')}.`)
      return { name, ...common, provider: rest[0] }
    case 'deliveries':
      refuseMore(rest)
      return { name, ...common, open, repeat: parseEvent(repeat), limit: parseFilters(given).limit }
    case 'erase':
      refuseMore(rest)
      return { name, ...common, ...parseErasure(task, given.user) }
    case 'spend':
      refuseMore(rest)
      return { name, ...common, by: parseView(by) }
    case 'copy-storage':
      refuseMore(rest)
      return { name, ...common, ...parseMove(from, to) }
    case 'storage':
    case 'recover':
    case 'stats':
    case 'stop-spending':
    case 'allow-spending':
      refuseMore(rest)
      return { name, ...common }
    default:
      throw new UsageError(name === undefined ? 'Say what to do.' : `There is no command "${name}".`)
  }
}

function refuseForeign(name: string | undefined, options: object): void {
  for (const option of name === undefined ? [] : Object.keys(options)) {
    const own = owners[option] ?? []
    if (!own.some((one) => one === name)) throw new UsageError(`--${option} belongs to ${own.join(' and ')}.`)
  }
}

/** `parseArgs`, whose refusals are UsageErrors. The doctor and `npm run add` read their words by it, too. */
export function readWords<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config)
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause })
  }
}

/** Kinds of options. */
export const text = { type: 'string' } as const
export const flag = { type: 'boolean' } as const

const parseWords = (words: string[]) =>
  readWords({
    args: words,
    allowPositionals: true,
    options: {
      json: flag,
      help: { ...flag, short: 'h' },
      env: text,
      all: flag,
      overdue: flag,
      status: text,
      recipe: text,
      user: text,
      limit: text,
      by: text,
      from: text,
      to: text,
      open: flag,
      repeat: text,
      task: text,
    },
  })

function parseFilters(given: object) {
  const parsed = filters.safeParse(given)
  if (parsed.success) {
    const { all, overdue, status } = parsed.data
    if ([all, overdue, status].filter(Boolean).length > 1)
      throw new UsageError('Use one of --all, --overdue and --status: each says which tasks are listed.')
    return parsed.data
  }
  throw new UsageError(parsed.error.issues.map(({ message }) => message).join('\n'))
}

/** As a task's or an event's id is written. */
export const isUuid = (text: string) => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)

function parseEvent(id: string | undefined): string | undefined {
  if (id === undefined || isUuid(id)) return id
  throw new UsageError(`"${id}" is not the id of an event: deliveries shows them.`)
}

function parseErasure(task: string | undefined, user: string | undefined) {
  if ((task === undefined) === (user === undefined))
    throw new UsageError('erase needs --task ID or --user ID, and not both.')
  if (user !== undefined) {
    if (user === '') throw new UsageError('--user needs the id of a user.')
    if (user !== erasedUser) return { user }
    throw new UsageError(`--user ${user} is nobody: what is left of erased tasks, until their providers have ended.`)
  }
  if (isUuid(task ?? '')) return { task: task ?? '' }
  throw new UsageError(`"${task}" is not a task's id, which is a UUID.`)
}

function parseView(by = 'day'): SpendingView {
  const known = spendingViews.find((view) => view === by)
  if (known) return known
  throw new UsageError(`--by must be one of ${spendingViews.join(', ')}.`)
}

function parseMove(from: string | undefined, to: string | undefined): { from: StoreKind; to: StoreKind } {
  const kindOf = (option: string, given: string | undefined) => {
    const known = storeKinds.find((kind) => kind === given)
    if (known) return known
    throw new UsageError(`copy-storage needs ${option}, one of ${storeKinds.join(', ')}.`)
  }
  const move = { from: kindOf('--from', from), to: kindOf('--to', to) }
  if (move.from === move.to) throw new UsageError('--from and --to name the same store.')
  return move
}

function parseId(command: string, id: string | undefined): string {
  if (id === undefined) throw new UsageError(`${command} needs the id of a task, or of a prediction.`)
  if (/^[\w-]{8,}$/.test(id)) return id
  throw new UsageError(`"${id}" is not an id: a task's is a UUID, a prediction's has letters, digits and hyphens.`)
}

function refuseMore([extra]: string[]): void {
  if (extra !== undefined) throw new UsageError(`"${extra}" is one word too many.`)
}
