// `npm run tasks -- list|show ID|check ID|recover|resume NAME|stats|deliveries|spend|stop-spending|allow-spending|storage|copy-storage|erase`: the operator's command, for the deployment that the environment names.
// Tables and sentences for people on standard output, one JSON document with --json; what went wrong, and the log, on standard error.
import { DatabaseError } from '../db/driver/errors.ts'
import { type Command, parseCommand, UsageError, usage } from './arguments.ts'
import { check, list, recover, resume, show, stats } from './commands.ts'
import { deliveries } from './deliveries.ts'
import { erase } from './erase.ts'
import { allowSpending, spend, stopSpending } from './money.ts'
import { copyStorage, storage } from './storage.ts'
import { readVariables } from './variables.ts'

/** The exit code: 0 done, 1 not possible, 2 not understood. */
async function run(words: string[]): Promise<number> {
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

async function obey(command: Command): Promise<string> {
  switch (command.name) {
    case 'help':
      return usage
    case 'list':
      return list(command)
    case 'show':
      return show(command)
    case 'check':
      return check(command)
    case 'recover':
      return recover(command)
    case 'resume':
      return resume(command)
    case 'stats':
      return stats(command)
    case 'deliveries':
      return deliveries(command)
    case 'spend':
      return spend(command)
    case 'stop-spending':
      return stopSpending(command)
    case 'allow-spending':
      return allowSpending(command)
    case 'storage':
      return storage(command)
    case 'copy-storage':
      return copyStorage(command)
    case 'erase':
      return erase(command)
  }
}

function sentenceOf(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n\n${usage}`
  if (error instanceof DatabaseError && error.code === '42P01') return 'The database has no tables yet: npm run migrate'
  return error instanceof Error ? error.message : String(error)
}

process.exitCode = await run(process.argv.slice(2))
