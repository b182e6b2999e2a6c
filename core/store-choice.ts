// Which store a deployment keeps its files in, as the environment says it. core/config.ts reads the variables; storage/open.ts opens what is
// chosen.

export const storeKinds = ['netlify', 's3', 'folder'] as const
export type StoreKind = (typeof storeKinds)[number]

/** Without a word in STORAGE: what alone is set up. A Netlify site's own store comes with each invocation. */
export function chosenStore(env: Record<string, string | undefined>): StoreKind {
  if (env['STORAGE_DIR']) return 'folder'
  return env['S3_BUCKET'] && !env['NETLIFY_BLOBS_CONTEXT'] ? 's3' : 'netlify'
}

export interface StoreSettings {
  STORAGE: StoreKind
  STORAGE_DIR?: string | undefined
  S3_ENDPOINT?: string | undefined
  S3_BUCKET?: string | undefined
  S3_REGION: string
  S3_ACCESS_KEY_ID?: string | undefined
  S3_SECRET_ACCESS_KEY?: string | undefined
  S3_PUBLIC_ENDPOINT?: string | undefined
}

const needed = {
  netlify: [],
  s3: ['S3_ENDPOINT', 'S3_BUCKET', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'],
  folder: ['STORAGE_DIR'],
} as const satisfies Record<StoreKind, readonly (keyof StoreSettings)[]>

/** The variables that the chosen store needs and that are not set. */
export const missingFor = (settings: StoreSettings): string[] =>
  needed[settings.STORAGE].filter((name) => !settings[name])

/** Where people and providers fetch files from the store itself; undefined where they can't. */
export function storeOrigin(
  settings: Pick<StoreSettings, 'S3_ENDPOINT' | 'S3_PUBLIC_ENDPOINT'> & { STORAGE: string },
): string | undefined {
  const address = settings.S3_PUBLIC_ENDPOINT || settings.S3_ENDPOINT
  return settings.STORAGE === 's3' && address ? URL.parse(address)?.origin : undefined
}
