// The environment that a command looks at: the process's own, completed by a file. `npm start` writes one for its own deployment.
import { readFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { UsageError } from './arguments.ts'

/** What is set in the process itself wins over the file, as it does for the functions. `.env` by default, if there is one. */
export async function readVariables(file: string | undefined): Promise<NodeJS.Dict<string>> {
  try {
    return { ...parseEnv(await readFile(file ?? '.env', 'utf8')), ...process.env }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (file === undefined && code === 'ENOENT') return process.env
    throw new UsageError(`${file ?? '.env'} can't be read: ${code}`, { cause })
  }
}
