// The secrets that a deployment would have in its environment, made once for this checkout and kept under `.data/`.
import { randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { CannotBegin } from './begin.ts'

const schema = z.object({
  CRON_SECRET: z.string(),
  SESSION_SECRET: z.string(),
  REPLICATE_API_TOKEN: z.string(),
  REPLICATE_WEBHOOK_SECRET: z.string(),
  // Not in the files of earlier versions. It opens nothing but this machine's simulator, so it need not be random.
  FAL_KEY: z.string().default('fal_simulator'),
  NOTIFY_SECRET: z.string().optional(),
  VAPID_PUBLIC_KEY: z.string().optional(),
  VAPID_PRIVATE_KEY: z.string().optional(),
})

type Kept = z.infer<typeof schema>
export type Secrets = { [Name in keyof Kept]-?: string }

/** The kept ones, so that sessions and links survive a restart; made on the first start. */
export async function keptSecrets(file: URL): Promise<Secrets> {
  try {
    const kept = readSecrets(await readFile(file, 'utf8'), file)
    if (kept.NOTIFY_SECRET && kept.VAPID_PUBLIC_KEY && kept.VAPID_PRIVATE_KEY) return kept as Secrets
    // A file of an earlier version.
    return await write(file, { ...(await makeTelling()), ...kept } as Secrets)
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
    ...(await makeTelling()),
  }
  return write(file, secrets)
}

function readSecrets(text: string, file: URL): Kept {
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    // Without the parser's own words, which quote what they read.
    const path = fileURLToPath(file)
    throw new CannotBegin(
      `${path} can't be read: put it back, or delete it. Then new secrets are made, and sessions end.`,
      {
        cause,
      },
    )
  }
}

async function write(file: URL, secrets: Secrets): Promise<Secrets> {
  // Whole or not at all: half a file could never be read again.
  const fresh = new URL(`${file.href}.new`)
  await writeFile(fresh, JSON.stringify(secrets, null, 2), { mode: 0o600 })
  await rename(fresh, file)
  return secrets
}

/** What signs webhooks, and the keys of web push. */
async function makeTelling(): Promise<Pick<Secrets, 'NOTIFY_SECRET' | 'VAPID_PUBLIC_KEY' | 'VAPID_PRIVATE_KEY'>> {
  const { default: webPush } = await import('web-push')
  const { publicKey, privateKey } = webPush.generateVAPIDKeys()
  const secret = randomBytes(32).toString('base64')
  return { NOTIFY_SECRET: `whsec_${secret}`, VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey }
}
