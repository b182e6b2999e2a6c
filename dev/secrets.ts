// The secrets that a deployment would have in its environment, made once for this checkout and kept under `.data/`.
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { z } from 'zod'

const schema = z.object({
  CRON_SECRET: z.string(),
  SESSION_SECRET: z.string(),
  REPLICATE_API_TOKEN: z.string(),
  REPLICATE_WEBHOOK_SECRET: z.string(),
  // Not in the files of earlier versions. It opens nothing but this machine's simulator, so it need not be random.
  FAL_KEY: z.string().default('fal_simulator'),
})

export type Secrets = z.infer<typeof schema>

/** The kept ones, so that sessions and links survive a restart; made on the first start. */
export async function keptSecrets(file: URL): Promise<Secrets> {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const secret = (encoding: 'base64' | 'base64url') => randomBytes(32).toString(encoding)
  const secrets: Secrets = {
    CRON_SECRET: secret('base64url'),
    SESSION_SECRET: secret('base64url'),
    REPLICATE_API_TOKEN: `r8_${secret('base64url')}`,
    REPLICATE_WEBHOOK_SECRET: `whsec_${secret('base64')}`,
    FAL_KEY: `fal_${secret('base64url')}`,
  }
  await writeFile(file, JSON.stringify(secrets, null, 2), { mode: 0o600 })
  return secrets
}
