// Runs an operator's command for tests: in this process, which spares a second each, or in one of its own. Either way its environment is
// what the test says and nothing else.
import { execFile } from 'node:child_process'
import { vi } from 'vitest'

export interface Said {
  code: number
  out: string
  err: string
}

type Environment = Record<string, string | undefined>

const { NODE_COMPILE_CACHE } = process.env

/** `run`: what the program calls with its words, and ends with. One at a time: environment and console are the process's. */
export async function runHere(
  run: (words: string[]) => Promise<number>,
  words: string[],
  env: Environment,
): Promise<Said> {
  const [out, err]: [string[], string[]] = [[], []]
  const spies = [
    vi.spyOn(console, 'log').mockImplementation((text) => void out.push(`${text}\n`)),
    vi.spyOn(console, 'error').mockImplementation((text) => void err.push(`${text}\n`)),
  ]
  const before = { ...process.env }
  // The log would stand between the results; in a process of its own it is told apart.
  exchange({ LOG_LEVEL: 'silent', ...env })
  try {
    const code = await run(words)
    return { code, out: out.join(''), err: err.join('') }
  } finally {
    exchange(before)
    for (const spy of spies) spy.mockRestore()
  }
}

function exchange(env: Environment): void {
  for (const name of Object.keys(process.env)) delete process.env[name]
  for (const [name, value] of Object.entries(env)) if (value !== undefined) process.env[name] = value
}

/** As an operator does. `program`: a path from the checkout. */
export function runAlone(program: string, words: string[], env: Environment): Promise<Said> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [program, ...words],
      { env: { ...env, NODE_COMPILE_CACHE } },
      (_error, out, err) => resolve({ code: child.exitCode ?? -1, out, err }),
    )
  })
}
