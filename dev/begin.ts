// How a local server begins: on the port that it is told, or with a sentence that says what stands in its way.

import { parseArgs } from 'node:util'
import { EnvironmentError } from '../core/config.ts'

/** Somebody has to choose another port or folder: no stack would tell more. */
export class CannotBegin extends Error {
  override name = 'CannotBegin'
}

export function sayWhyNot(): void {
  process.on('uncaughtException', (error) => {
    const isOurs = error instanceof CannotBegin || error instanceof EnvironmentError
    console.error(isOurs ? error.message : error)
    process.exit(1)
  })
}

/** `--no-ticks`: nothing pings the functions. */
export function parseFlags(words: string[]): { ticks: boolean } {
  try {
    const { values } = parseArgs({
      args: words,
      options: { ticks: { type: 'boolean', default: true } },
      allowNegative: true,
    })
    return { ticks: values.ticks }
  } catch (cause) {
    throw new CannotBegin(`${(cause as Error).message} Known is --no-ticks.`, { cause })
  }
}

/** For a server that takes no options: its `variables` say all. */
export function refuseWords([word]: readonly string[], variables: string): void {
  if (word !== undefined) throw new CannotBegin(`There is no option "${word}". In the environment: ${variables}.`)
}

export function portOf(text = '', { name = 'PORT', usual = 8888 } = {}): number {
  const port = Number(text || usual)
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port
  throw new CannotBegin(`${name} must be a whole number up to 65535, not "${text}".`)
}

/** Nobody outside this machine reaches it, unless it is told so. */
export const hostOf = (text = ''): string => text || '127.0.0.1'

/** How this machine itself reaches what listens there. */
export function addressOf(port: number, host = ''): string {
  const isHere = ['', '127.0.0.1', '::1', '0.0.0.0', '::'].includes(host)
  const name = host.includes(':') ? `[${host}]` : host
  return `http://${isHere ? 'localhost' : name}:${port}`
}

/** The address that a server listens on, or what keeps it from the port. */
export async function listening<T>(port: number, listen: Promise<T>, name = 'PORT'): Promise<T> {
  return listen.catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EADDRINUSE')
      throw new CannotBegin(`Port ${port} is in use. Stop what uses it, or set ${name} to another.`, { cause })
    if (cause.code === 'EACCES')
      throw new CannotBegin(`Port ${port} is not ours to use: set ${name} to one above 1023.`, { cause })
    if (cause.code === 'EADDRNOTAVAIL' || cause.code === 'ENOTFOUND')
      throw new CannotBegin('HOST must be an address of this machine, such as 127.0.0.1 or 0.0.0.0.', { cause })
    throw cause
  })
}
