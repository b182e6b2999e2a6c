// Keeps what the simulated providers know in a file, so that work in flight outlives the process. server.ts tells it of each change;
// it writes a moment later, at most every moment, and never half a file: a killed process loses one moment at most. The file is its
// owner's alone, because inputs and webhooks carry signed links.

import { readFile, rename, writeFile } from 'node:fs/promises'
import { z } from 'zod'

const schema = z.object({ version: z.literal(1), port: z.number(), replicate: z.unknown(), fal: z.unknown() })
export type Kept = Omit<z.output<typeof schema>, 'version'>

const momentMs = 250

/** Undefined where there is no file yet. A file of another version's is of no use: what it held is forgotten. */
export async function readKept(file: string): Promise<Kept | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return schema.parse(JSON.parse(text))
  } catch (error) {
    console.warn(`simulator: ${file} can't be read and is begun anew:`, (error as Error).message)
    return undefined
  }
}

interface StateFile {
  touch(): void
  /** Writes a last time. */
  close(): Promise<void>
}

export function keepState(file: string, current: () => Kept): StateFile {
  let timer: NodeJS.Timeout | undefined
  let written = ''
  let writing = Promise.resolve()
  const write = () => {
    timer = undefined
    writing = writing.then(async () => {
      const text = JSON.stringify({ version: 1, ...current() })
      if (text === written) return
      await writeFile(`${file}.new`, text, { mode: 0o600 })
      await rename(`${file}.new`, file)
      written = text
    })
    return writing
  }
  return {
    touch() {
      timer ??= setTimeout(() => void write().catch((error) => console.error('simulator:', error)), momentMs)
      timer.unref()
    },
    close() {
      clearTimeout(timer)
      return write()
    },
  }
}
