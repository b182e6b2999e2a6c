// `npm run tasks -- COMMAND`: the operator's command, for the deployment that the environment names; arguments.ts tells the commands.
// Tables and sentences for people on standard output, one JSON document with --json; what went wrong, and the log, on standard error.
import { DatabaseError } from '../db/driver/errors.ts'
import { type Command, parseCommand, UsageError, usage } from './arguments.ts'
import { adviceOn } from './database.ts'
import { readVariables } from './variables.ts'

/** The exit code: 0 done, 1 not possible, 2 not understood. Tests call it, too. */
export async function run(words: string[]): Promise<number> {
  try {
    const command = parseCommand(words)
    Object.assign(process.env, await readVariables(command.env))
    console.log(await obey(command))
    return 0
  } catch (error) {
    console.error(sentenceOf(error))
    return error instanceof UsageError ? 2 : 1
  }
}

/** Each loads what it needs: most never ask a provider. */
async function obey(command: Command): Promise<string> {
  switch (command.name) {
    case 'help':
      return usage
    case 'list':
      return (await import('./commands.ts')).list(command)
    case 'show':
      return (await import('./commands.ts')).show(command)
    case 'check':
      return (await import('./commands.ts')).check(command)
    case 'recover':
      return (await import('./commands.ts')).recover(command)
    case 'resume':
      return (await import('./commands.ts')).resume(command)
    case 'stats':
      return (await import('./commands.ts')).stats(command)
    case 'deliveries':
      return (await import('./deliveries.ts')).deliveries(command)
    case 'spend':
      return (await import('./money.ts')).spend(command)
    case 'stop-spending':
      return (await import('./money.ts')).stopSpending(command)
    case 'allow-spending':
      return (await import('./money.ts')).allowSpending(command)
    case 'storage':
      return (await import('./storage.ts')).storage(command)
    case 'copy-storage':
      return (await import('./storage.ts')).copyStorage(command)
    case 'erase':
      return (await import('./erase.ts')).erase(command)
  }
}

function sentenceOf(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n\n${usage}`
  if (error instanceof DatabaseError) return `${error.message} → ${adviceOn(error)}`
  return error instanceof Error ? error.message : String(error)
}

if (import.meta.main) process.exitCode = await run(process.argv.slice(2))
