// `npm run doctor`: looks at a deployment as its environment names it, from here, and says in a line each what is well, what is not, and
// what to do. Changes nothing but a probe in the blob store, which it deletes; with --fix it also tells Telegram where updates go. Prints no secret.
import { flag, readWords, text, UsageError } from './arguments.ts'
import { readEnvironment } from './doctor/environment.ts'
import { examine } from './doctor/examine.ts'
import { report, withoutSecrets } from './doctor/report.ts'
import { fixTelegram } from './doctor/telegram.ts'
import { readVariables } from './variables.ts'

const usage = `npm run doctor -- [--env FILE] [--fix] [--json]

  --env FILE   variables that the process doesn't have itself are read there (.env, if there is one)
  --fix        tells Telegram first where the bot's updates go, and which commands it has
  --json       for programs

The exit code is 1 where anything is FAIL.`

/** The exit code: 0 nothing fails, 1 something does, 2 not understood. Tests call it, too. */
export async function run(words: string[]): Promise<number> {
  try {
    const { json: isJson = false, fix: isToFix = false, help, env: file } = parseWords(words)
    if (help) {
      console.log(usage)
      return 0
    }
    const env = await readVariables(file)
    const done = isToFix ? await fixTelegram(readEnvironment(env).config) : undefined
    if (done && !isJson) console.log(withoutSecrets(`${done}\n`, env))
    const findings = await examine(env)
    console.log(withoutSecrets(report(findings, { isJson }), env))
    return findings.some(({ state }) => state === 'FAIL') ? 1 : 0
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\n\n${usage}`)
    return 2
  }
}

function parseWords(words: string[]) {
  const options = { json: flag, fix: flag, help: { ...flag, short: 'h' }, env: text } as const
  return readWords({ args: words, options }).values
}

if (import.meta.main) process.exitCode = await run(process.argv.slice(2))
