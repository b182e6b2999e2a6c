// Absurd's SQL, which its npm package leaves out: the file named by ABSURD_SQL, or the one of its repository, fetched once and
// kept beside bench's node_modules.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** The release that belongs to the client of bench/package.json. */
const source = 'https://raw.githubusercontent.com/earendil-works/absurd/0.5.0/sql/absurd.sql'
const kept = fileURLToPath(new URL('../node_modules/.cache/absurd.sql', import.meta.url))

export async function schemaFile(): Promise<string> {
  const given = process.env['ABSURD_SQL']
  if (given) return given
  if (existsSync(kept)) return kept
  const answer = await fetch(source, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined)
  if (!answer?.ok) throw new Error(`its schema can't be fetched (${source}); set ABSURD_SQL to the file`)
  const text = await answer.text()
  await mkdir(new URL('../node_modules/.cache/', import.meta.url), { recursive: true })
  await writeFile(kept, text)
  return kept
}

/** Which file it was, to be kept with a result. */
export async function schemaHash(): Promise<string> {
  const file = await schemaFile().catch(() => undefined)
  return file
    ? createHash('sha256')
        .update(await readFile(file))
        .digest('hex')
        .slice(0, 16)
    : 'none'
}
